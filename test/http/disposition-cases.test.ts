import { parse } from 'content-disposition';
import { contentDisposition } from '../../src/http/disposition.js';
import { sharedCases } from '../shared-cases.js';

interface Case {
  readonly name: string;
  readonly input: { readonly filename: string; readonly type: string; readonly fallback?: string };
  readonly expect: {
    readonly decoded?: string;
    readonly decodedOneOf?: readonly (string | null)[];
    readonly re?: string;
    readonly throws?: boolean;
  };
}

// A type of its own and a given fallback are not among what contentDisposition takes: the compiler refuses them.
const cases = sharedCases<Case>('content-disposition-cases.json')?.filter(({ expect: { throws } }) => !throws);

(cases ? describe : describe.skip)('the shared cases of Content-Disposition', () => {
  it.each(cases ?? [{ name: '' } as Case])('$name', ({ input, expect: expected }) => {
    const value = contentDisposition(input.type as 'attachment' | 'inline', input.filename);
    // One line of printable ASCII: no octet outside it is safe on the wire (RFC 9110 section 5.5).
    expect(value).toMatch(/^[\x20-\x7e]+$/);
    if (expected.re) expect(value).toMatch(new RegExp(expected.re));
    const decoded = parse(value).parameters.filename ?? null;
    if (expected.decoded !== undefined) expect(decoded).toBe(expected.decoded);
    if (expected.decodedOneOf) expect(expected.decodedOneOf).toContain(decoded);
  });
});
