import { validateHeaderValue } from 'node:http';
import fc from 'fast-check';
import { contentType, harmlessType, isInert } from '../../src/http/type.js';

describe('contentType', () => {
  it.each([
    ['application/pdf', 'x.html', 'application/pdf'],
    [undefined, 'x.html', 'text/html; charset=utf-8'],
    [undefined, 'x.JPG', 'image/jpeg'],
    [undefined, 'x', 'application/octet-stream'],
    [undefined, 'html', 'application/octet-stream'],
    [undefined, 'x.constructor', 'application/octet-stream'],
    [undefined, 'x.unheard-of', 'application/octet-stream'],
    ['text/plain', 'x', 'text/plain; charset=utf-8'],
    ['text/plain; charset=iso-8859-1', 'x', 'text/plain; charset=iso-8859-1'],
    ['text/plain; charset="a b"', 'x', 'text/plain; charset="a b"'],
    ['application/json', 'x', 'application/json; charset=utf-8'],
    ['image/png', 'x', 'image/png'],
    ['text/csv; charset=utf-16', 'x', 'text/csv; charset=utf-16'],
    ['text/csv; charset=unknown-8bit', 'x', 'text/csv'],
    ['audio/ogg; codecs=opus', 'x', 'audio/ogg; codecs=opus'],
    ['application/vnd.oasis.opendocument.text', 'x', 'application/vnd.oasis.opendocument.text'],
  ])('makes for the type %j and the name %j the header %j', (type, name, expected) =>
    expect(contentType(type, name)).toBe(expected),
  );

  it.each([
    '',
    'pdf',
    'text/',
    '/html',
    'text/html, text/plain',
    'text/plain\r\nx: y',
    'text/plain\n; a=b',
    'téxt/plain',
    'a/b;',
    'a/b; c',
  ])('sends application/octet-stream for the type %j, which is not valid in a header', (type) =>
    expect(contentType(type, 'x.png')).toBe('application/octet-stream'),
  );

  it('always makes a header that Node accepts', () => {
    const type = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `text/plain${text}`),
    );
    fc.assert(
      fc.property(type, fc.string({ unit: 'binary' }), (given, name) => {
        const value = contentType(given, name);
        validateHeaderValue('content-type', value);
        expect(value).toMatch(/^[^\s/]+\/[^\s/]+/);
      }),
    );
  });
});

describe('isInert', () => {
  it.each(['image/png', 'IMAGE/JPEG', 'text/plain; charset=utf-8', 'audio/ogg', 'video/mp4', 'application/pdf'])(
    'returns true for %s',
    (type) => expect(isInert(type)).toBe(true),
  );

  it.each([
    'text/html',
    'text/html; charset=utf-8',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/javascript',
    'text/css',
    'multipart/x-mixed-replace',
    'application/octet-stream',
    'ximage/png',
    'image/pngx',
    'text/html;image/png',
    '',
  ])('returns false for %s', (type) => expect(isInert(type)).toBe(false));
});

describe('harmlessType', () => {
  it.each([
    ['text/javascript; charset=utf-8', 'text/plain; charset=utf-8'],
    ['application/javascript', 'text/plain'],
    ['application/x-javascript', 'text/plain'],
    ['Text/ECMAScript', 'text/plain'],
    ['text/javascript1.5', 'text/plain'],
    ['text/jscript', 'text/plain'],
    ['text/vbscript', 'text/plain'],
    ['text/css; charset=utf-8', 'text/plain; charset=utf-8'],
    ['text/xsl', 'text/plain'],
    ['application/xslt+xml', 'text/plain'],
    ['text/html; charset=utf-8', 'text/html; charset=utf-8'],
    ['application/json', 'application/json'],
    ['text/csv', 'text/csv'],
    ['image/svg+xml', 'image/svg+xml'],
  ])('of %s is %s', (type, expected) => expect(harmlessType(type)).toBe(expected));
});
