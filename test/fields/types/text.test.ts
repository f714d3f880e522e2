import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { Utf8Check } from '../../../src/fields/types/text.js';

const isValid = (bytes: Uint8Array, cuts: readonly number[]) => {
  const check = new Utf8Check();
  const ends = [...cuts.map((cut) => cut % (bytes.byteLength + 1)), bytes.byteLength].sort((one, other) => one - other);
  let start = 0;
  for (const end of ends) {
    check.add(bytes.subarray(start, end));
    start = end;
  }
  return check.valid;
};

it('Utf8Check agrees with Node, whatever the chunks', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => Buffer.from(value));
  const bytes = fc.array(fc.constantFrom(0x61, 0x80, 0xbf, 0xc3, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0xff), { maxLength: 8 });
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        bytes.map((values) => Buffer.from(values)),
      ),
      fc.array(fc.nat(20), { maxLength: 6 }),
      (value, cuts) => {
        expect(isValid(value, cuts)).toBe(isUtf8(value));
      },
    ),
    { numRuns: 3000 },
  );
});
