import fc from 'fast-check';
import { PartCounter } from '../../../src/fields/forms/part-counter.js';

/** The parts of a form, cut into chunks of these lengths; the rest is one chunk. */
function partsOf(form: string, lengths: readonly number[]): number {
  const counter = new PartCounter('ab');
  let rest = Buffer.from(form);
  for (const length of lengths) {
    counter.add(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  counter.add(rest);
  return counter.parts;
}

describe('the counter of parts', () => {
  it.each([
    ['', 0],
    ['--ab--', 0],
    ['--ab\r\nx\r\n--ab--', 1],
    ['--ab\r\nx\r\n--ab\r\ny\r\n--ab--\r\n', 2],
    ['before\r\n--ab\r\nx\r\n--ab--', 1],
    ['--ab\r\nx\r\n--ab--\r\n--ab\r\nbehind the end\r\n--ab--', 1],
    ['--ab\r\n--a\r\n--b\r\n-ab\r\n--ab--', 1],
  ])('finds in %j %d', (form, parts) => {
    expect(partsOf(form, [])).toBe(parts);
  });

  it('finds the same number however the form is cut', () => {
    const piece = fc.constantFrom('\r\n--ab', '\r\n', '--', '--ab', '-', 'a', 'b', 'x', '\r\n--ab\r\n', '\r\n--ab--');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(9), { maxLength: 60 }), (pieces, lengths) => {
        const form = `--ab${pieces.join('')}`;
        expect(partsOf(form, lengths)).toBe(partsOf(form, []));
      }),
    );
  });
});
