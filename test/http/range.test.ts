import fc from 'fast-check';
import { chooseRange, contentRange, parseContentRange } from '../../src/http/range.js';

const size = 11;
const huge = '18446744073709551616'; // 2^64
const part = (start: number, end: number) => ({ kind: 'part', range: { start, end } });
const whole = { kind: 'whole' };
const unsatisfiable = { kind: 'unsatisfiable' };

describe('chooseRange', () => {
  it.each([
    ['bytes=0-4', part(0, 4)],
    ['bytes=0-0', part(0, 0)],
    ['bytes=10-10', part(10, 10)],
    ['bytes=2-', part(2, 10)],
    ['bytes=0-', part(0, 10)],
    ['bytes=-5', part(6, 10)],
    ['bytes=-11', part(0, 10)],
    ['bytes=-12', part(0, 10)],
    [`bytes=-${huge}`, part(0, 10)],
    ['bytes=5-100', part(5, 10)],
    [`bytes=5-${huge}`, part(5, 10)],
    ['bytes=0-9007199254740993', part(0, 10)],
    ['bytes=00-0004', part(0, 4)],
    ['BYTES=0-4', part(0, 4)],
    ['bytes=,,0-4,', part(0, 4)],
    ['bytes=\t0-4 ', part(0, 4)],
    ['bytes=100-200,0-4', part(0, 4)],
    ['bytes=-0,0-4', part(0, 4)],
  ])('selects the bytes of %j', (text, expected) => {
    expect(chooseRange(text, size)).toEqual(expected);
  });

  it.each(['bytes=11-', 'bytes=11-20', 'bytes=-0', `bytes=${huge}-`, 'bytes=9007199254740993-9007199254740994'])(
    'cannot be satisfied by the file for %j',
    (text) => expect(chooseRange(text, size)).toEqual(unsatisfiable),
  );

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=5-2',
    'bytes=18446744073709551617-18446744073709551616',
    'bytes=--5',
    'bytes=1-2-3',
    'bytes=0-4x',
    'bytes=x0-4',
    'bytes=0x0-4',
    'bytes=1e1-',
    'bytes=+0-4',
    'bytes=0-+4',
    'bytes=0.0-4',
    'bytes=0 -4',
    'bytes=0- 4',
    'bytes=٠-٤',
    'bytes=\u00a00-4',
    'bytes =0-4',
    'bytes:0-4',
    'items=0-4',
    'x-bytes=0-4',
    'bytes=0-4;bytes=5-6',
    'bytes=0-4,x',
    'seconds=0-4',
  ])('selects the whole file for %j', (text) => {
    expect(chooseRange(text, size)).toEqual(whole);
  });

  it.each(['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=5-'])('ignores %j for an empty file', (text) => {
    expect(chooseRange(text, 0)).toEqual(whole);
  });

  const parts = (...ranges: [number, number][]) => ({
    kind: 'parts',
    ranges: ranges.map(([start, end]) => ({ start, end })),
  });

  it.each([
    ['bytes=0-9,500-509', parts([0, 9], [500, 509])],
    ['bytes=-10,0-9', parts([990, 999], [0, 9])],
    ['bytes=0-9, -10, 10-19', parts([0, 19], [990, 999])],
    ['bytes=0-9,5000-,500-509', parts([0, 9], [500, 509])],
    ['bytes=500-509,0-9,505-520', parts([500, 520], [0, 9])],
    // A gap of 80 bytes is smaller than the head of a part and is merged; 81 bytes are not.
    ['bytes=0-9,90-99', part(0, 99)],
    ['bytes=0-9,91-99', parts([0, 9], [91, 99])],
    ['bytes=0-0,0-0', part(0, 0)],
    ['bytes=0-499,500-', part(0, 999)],
  ])('selects the parts of %j from 1000 bytes', (text, expected) => {
    expect(chooseRange(text, 1000)).toEqual(expected);
  });

  it.each([
    ['more than there is', 'bytes=0-,1-,2-,3-,4-'],
    ['more than there is, by two', 'bytes=0-600,500-'],
    ['three times the same', 'bytes=0-9,5-14,8-20,500-509'],
    ['two pairs of the same', 'bytes=0-9,5-14,500-509,505-510'],
    ['crumbs in no order', `bytes=${Array.from({ length: 9 }, (_one, index) => 999 - 100 * index).join('-,')}-`],
    [
      'crumbs backwards',
      `bytes=${Array.from({ length: 9 }, (_one, index) => `${900 - 100 * index}-${900 - 100 * index}`).join(',')}`,
    ],
  ])('selects the whole file for a request of %s', (_what, text) => {
    expect(chooseRange(text, 1000)).toEqual(whole);
  });

  it('ignores a header with more than 50 ranges', () => {
    expect(chooseRange(`bytes=${'0-0,'.repeat(50)}20-30`, size)).toEqual(whole);
    expect(chooseRange(`bytes=${','.repeat(5000)}0-0`, size)).toEqual(whole);
  });

  it('selects the right bytes beyond 4 GiB', () => {
    const big = 5 * 1024 ** 3;
    expect(chooseRange('bytes=4294967295-4294967300', big)).toEqual(part(4294967295, 4294967300));
    expect(chooseRange('bytes=-1', big)).toEqual(part(big - 1, big - 1));
  });

  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `bytes=${rest}`),
    fc
      .array(fc.constantFrom(...'0123456789-,= \tbytes+x'), { maxLength: 40 })
      .map((parts) => `bytes=${parts.join('')}`),
  );

  it('never throws, and never selects bytes outside of the file', () => {
    fc.assert(
      fc.property(text, fc.nat(), (header, bytes) => {
        const choice = chooseRange(header, bytes);
        const ranges = choice.kind === 'part' ? [choice.range] : choice.kind === 'parts' ? choice.ranges : [];
        return ranges.every(
          ({ start, end }) => Number.isSafeInteger(start) && start >= 0 && start <= end && end < bytes,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('never selects a part for a header with a syntax error', () => {
    const sound = /^[ \t]*bytes=[ \t,]*(\d+-\d*|-\d+)([ \t]*,([ \t]*(\d+-\d*|-\d+))?)*[ \t]*$/i;
    fc.assert(
      fc.property(text, (header) => sound.test(header) || chooseRange(header, 100).kind === 'whole'),
      { numRuns: 5000 },
    );
  });

  it('selects every requested byte once, and no more bytes than the file has', () => {
    const specs = fc.array(fc.tuple(fc.nat(1200), fc.nat(300)), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(specs, (requested) => {
        const header = `bytes=${requested.map(([start, length]) => `${start}-${start + length}`).join(',')}`;
        const choice = chooseRange(header, 1000);
        if (choice.kind !== 'parts') return true;
        const sent = new Set<number>();
        let bytes = 0;
        for (const { start, end } of choice.ranges) {
          for (let position = start; position <= end; position += 1) sent.add(position);
          bytes += end - start + 1;
        }
        const covered = requested.every(
          ([start, length]) => start > 999 || (sent.has(start) && sent.has(Math.min(999, start + length))),
        );
        return covered && sent.size === bytes && choice.ranges.length >= 2;
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with Buffer.subarray for every range of a small file', () => {
    const bytes = [...'0123456789A'];
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), (first, last) => {
        const choice = chooseRange(`bytes=${first}-${last}`, bytes.length);
        const expected = last < first ? bytes : bytes.slice(first, last + 1);
        if (expected.length === 0) return choice.kind === 'unsatisfiable';
        const got = choice.kind === 'part' ? bytes.slice(choice.range.start, choice.range.end + 1) : bytes;
        return got.join('') === expected.join('');
      }),
    );
  });
});

describe('parseContentRange', () => {
  it('parses what contentRange makes', () => {
    const range = { start: 2, end: 4 };
    expect(contentRange(range, 11)).toBe('bytes 2-4/11');
    expect(parseContentRange('bytes 2-4/11')).toEqual({ range, size: 11 });
  });

  it.each([
    undefined,
    '',
    'bytes 2-4/*',
    'bytes */11',
    'bytes 4-2/11',
    'bytes 2-11/11',
    'bytes=2-4/11',
    'items 2-4/11',
  ])('returns undefined for %j', (text) => expect(parseContentRange(text)).toBeUndefined());
});
