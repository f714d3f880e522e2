import fc from 'fast-check';
import { typeMatches } from '../../src/fields/rules/accept.js';
import { sniffType } from '../../src/fields/sniff.js';

const html = 'text/html';

describe('sniffType', () => {
  it.each([
    ['plain text', 'hello', 'a.txt', 'text/plain'],
    ['text named as CSV', 'a,b\n1,2', 'a.csv', 'text/csv'],
    ['text named as JSON', '{"a":1}', 'a.json', 'application/json'],
    ['text with an unknown name', 'hello', 'a.xyz', 'text/plain'],
    ['text that claims to be a PNG', 'hello', 'a.png', 'text/plain'],
    ['text that claims to be HTML', 'hello', 'a.html', 'text/plain'],
    ['a PDF with a wrong name', '%PDF-1.7\n', 'a.txt', 'application/pdf'],
    ['HTML named as text', '<!DOCTYPE html><p>x', 'a.txt', html],
    ['HTML after white space', ' \n\t<ScRiPt>alert(1)</sCrIpT>', 'a.txt', html],
    ['HTML that begins with a comment', '<!-- x --><b>', 'a.txt', html],
    ['an unknown element', '<x-foo onclick=alert(1)>', 'a.md', html],
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'a.txt', 'image/svg+xml'],
    [
      'SVG after an XML declaration',
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
      'a.png',
      'image/svg+xml',
    ],
    ['XML', '<?xml version="1.0"?><feed/>', 'a.txt', 'application/xml'],
    ['XHTML', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'a.txt', html],
    ['a less-than sign in prose', '< 5 and > 3', 'a.txt', 'text/plain'],
    ['an empty file', '', 'a.txt', 'text/plain'],
  ])('returns the type of %s', async (_kind, text, name, type) => {
    expect(await sniffType(Buffer.from(text), name)).toBe(type);
  });

  it('returns application/octet-stream for bytes that are neither a known format nor text', async () => {
    expect(await sniffType(Buffer.from([0, 1, 2, 3, 0xff]), 'a.txt')).toBe('application/octet-stream');
    expect(await sniffType(Buffer.from([0x66, 0x6f, 0xff, 0x6f]), 'a.html')).toBe('application/octet-stream');
  });

  it('returns text/plain when the last character of the head is cut in two', async () => {
    const head = Buffer.concat([Buffer.alloc(4099, 'a'), Buffer.from('é').subarray(0, 1)]);
    expect(await sniffType(head, 'a.txt')).toBe('text/plain');
  });

  it('never throws and always returns a type', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.string(), async (bytes, name) => {
        expect(await sniffType(bytes, name)).toMatch(/^[\w.+-]+\/[\w.+-]+/);
      }),
    );
  });
});

describe('typeMatches', () => {
  it.each([
    ['image/png', ['image/*'], true],
    ['image/png', ['IMAGE/PNG'], true],
    ['imagex/png', ['image/*'], false],
    ['application/pdf', ['text/*', 'application/pdf'], true],
    ['application/pdf', [], false],
  ])('typeMatches(%s, %j) is %s', (type, patterns, matches) => {
    expect(typeMatches(type, patterns)).toBe(matches);
  });
});
