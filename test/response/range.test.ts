import fc from 'fast-check';
import { chooseRange, parseRange } from '../../src/response/range.js';

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
  ])('gives the bytes that %j asks for', (text, expected) => {
    expect(chooseRange(text, size)).toEqual(expected);
  });

  it.each(['bytes=11-', 'bytes=11-20', 'bytes=-0', `bytes=${huge}-`, 'bytes=9007199254740993-9007199254740994'])(
    'cannot satisfy %j',
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
  ])('sends the whole file for %j', (text) => {
    expect(chooseRange(text, size)).toEqual(whole);
  });

  it.each(['bytes=0-', 'bytes=0-0', 'bytes=-1', 'bytes=5-'])('ignores %j of an empty file', (text) => {
    expect(chooseRange(text, 0)).toEqual(whole);
  });

  it('sends the whole file for two satisfiable ranges, by policy', () => {
    expect(chooseRange('bytes=0-1,5-', size)).toEqual(whole);
    expect(chooseRange('bytes=0-0,0-0', size)).toEqual(whole);
  });

  it('does not read a flood of ranges', () => {
    expect(parseRange(`bytes=${'0-0,'.repeat(50)}`)).toBeUndefined();
    expect(chooseRange(`bytes=${','.repeat(5000)}0-0`, size)).toEqual(whole);
  });

  it('is right beyond 4 GiB', () => {
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

  it('never throws, and never leaves the file', () => {
    fc.assert(
      fc.property(text, fc.nat(), (header, bytes) => {
        const choice = chooseRange(header, bytes);
        if (choice.kind !== 'part') return true;
        const { start, end } = choice.range;
        return Number.isSafeInteger(start) && start >= 0 && start <= end && end < bytes;
      }),
      { numRuns: 2000 },
    );
  });

  it('never answers nonsense with a part', () => {
    const sound = /^[ \t]*bytes=[ \t,]*(\d+-\d*|-\d+)([ \t]*,([ \t]*(\d+-\d*|-\d+))?)*[ \t]*$/i;
    fc.assert(
      fc.property(text, (header) => sound.test(header) || chooseRange(header, 100).kind === 'whole'),
      { numRuns: 5000 },
    );
  });

  it('agrees with slicing for every range of a small file', () => {
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
