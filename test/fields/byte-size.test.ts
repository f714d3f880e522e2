import { parseByteSize, type ByteSize } from '../../src/fields/byte-size.js';

describe('parseByteSize', () => {
  it.each([
    [1024, 1024],
    ['0 B', 0],
    ['20 MB', 20_000_000],
    ['20 MiB', 20_971_520],
    ['1.5KB', 1500],
    ['2 GiB', 2_147_483_648],
  ] as [ByteSize, number][])('takes %j for %d bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', '20', '20 mb', '-1 MB', 'MB', '1e3 B', '20 XB', '1 iB', -1, 1.5, NaN, Infinity])(
    'refuses %j',
    (text) => {
      expect(() => parseByteSize(text as ByteSize)).toThrow('is not a size');
    },
  );
});
