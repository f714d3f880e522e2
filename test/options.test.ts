import { byteSize, duration, wholeNumber, type ByteSize, type Duration } from '../src/options.js';

const refusal = (work: () => unknown) => {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
};

describe('duration', () => {
  it.each<[Duration, number]>([
    [0, 0],
    [1500, 1500],
    ['250ms', 250],
    ['1.5 s', 1500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['30 d', 2_592_000_000],
  ])('parses %p to %d milliseconds', (text, milliseconds) => {
    expect(duration('lease', text)).toBe(milliseconds);
  });

  it.each([
    NaN,
    Infinity,
    -1,
    -0.6,
    '',
    '10',
    'm',
    '10 weeks',
    '-5m',
    '1e3s',
    '10M',
    null,
    {},
    true,
    ['5m'],
    new Date(),
  ])('refuses %p with a sentence that names the option', (value) => {
    expect(refusal(() => duration('lease', value as Duration))).toMatch(
      /^invalid_option: The option "lease" must be a duration: milliseconds, or text such as "10m" or "30d"; it is /,
    );
  });

  it('names the bounds when a value is outside of them', () => {
    expect(refusal(() => duration('timeout', '0s', { from: 1 }))).toMatch(/, at least 1; it is "0s"\.$/);
    expect(refusal(() => duration('expiresIn', '2s', { from: 1, to: 1000 }))).toMatch(
      /, from 1 to 1000; it is "2s"\.$/,
    );
  });
});

describe('byteSize', () => {
  it.each<[ByteSize, number]>([
    [0, 0],
    [1234, 1234],
    ['20 MB', 20_000_000],
    ['20MiB', 20 * 2 ** 20],
    ['1.5 KB', 1500],
    ['2 GiB', 2 ** 31],
    ['1 TB', 1e12],
    ['7 B', 7],
  ])('parses %p to %d bytes', (text, bytes) => {
    expect(byteSize('maxSize', text)).toBe(bytes);
  });

  it.each([-5, 1.5, NaN, '20', '20 Mb', '20 iB', 'MB', '-1 MB', '9999999 TB', undefined, 'constructor', '1 toString'])(
    'refuses %p with a sentence that names the option',
    (value) => {
      expect(refusal(() => byteSize('maxSize', value as ByteSize))).toMatch(
        /^invalid_option: The option "maxSize" must be a size: bytes, or text such as "20 MB" or "20 MiB"; it is /,
      );
    },
  );
});

describe('wholeNumber', () => {
  it.each([0, '1', 1.5, NaN, Infinity, null, undefined])('refuses %p when the minimum is 1', (value) => {
    expect(refusal(() => wholeNumber('batch', value as number, { from: 1 }))).toMatch(
      /^invalid_option: The option "batch" must be a whole number, at least 1; it is /,
    );
  });

  it('returns the number within its bounds', () => {
    expect(wholeNumber('batch', 100, { from: 1, to: 100 })).toBe(100);
  });
});
