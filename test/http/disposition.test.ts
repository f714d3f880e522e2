import { validateHeaderValue } from 'node:http';
import { parse } from 'content-disposition';
import fc from 'fast-check';
import { contentDisposition } from '../../src/http/disposition.js';

const nameIn = (header: string) => parse(header).parameters.filename;

describe('contentDisposition', () => {
  it.each([
    ['plans.pdf', 'attachment; filename=plans.pdf'],
    ['two words.pdf', 'attachment; filename="two words.pdf"'],
    ['a;b,c=d.txt', 'attachment; filename="a;b,c=d.txt"'],
    ['é.txt', "attachment; filename=_.txt; filename*=UTF-8''%C3%A9.txt"],
    ['€ rates.pdf', 'attachment; filename="_ rates.pdf"; filename*=UTF-8\'\'%E2%82%AC%20rates.pdf'],
    ['日本語.pdf', "attachment; filename=___.pdf; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.pdf"],
    ['🎉.png', "attachment; filename=_.png; filename*=UTF-8''%F0%9F%8E%89.png"],
    ['the "plans".pdf', 'attachment; filename="the _plans_.pdf"; filename*=UTF-8\'\'the%20%22plans%22.pdf'],
    ['100%.txt', "attachment; filename=100_.txt; filename*=UTF-8''100%25.txt"],
    ['a%41.txt', "attachment; filename=a_41.txt; filename*=UTF-8''a%2541.txt"],
    ["it's (1).txt", 'attachment; filename="it\'s (1).txt"'],
  ])('makes for the name %j the header %s', (name, expected) =>
    expect(contentDisposition('attachment', name)).toBe(expected),
  );

  it.each([
    ['/path/to/plans.pdf', 'plans.pdf'],
    ['..\\..\\plans.pdf', 'plans.pdf'],
    ['a\r\nSet-Cookie: x=1.txt', 'aSet-Cookie: x=1.txt'],
    ['a\u0000b.txt', 'ab.txt'],
    ['a\u007fb.txt', 'ab.txt'],
    ['a\u2028b.txt', 'ab.txt'],
    ['holiday\u202egpj.exe', 'holidaygpj.exe'],
    ['\u2066a\u2069.txt', 'a.txt'],
    ['a\u061cb.txt', 'ab.txt'],
    [`${'x'.repeat(3068)}.pdf`, `${'x'.repeat(3068)}.pdf`],
    [`${'x'.repeat(4000)}.pdf`, `${'x'.repeat(3068)}.pdf`],
    [`${'本'.repeat(400)}.pdf`, `${'本'.repeat(340)}.pdf`],
    [`${'本'.repeat(340)}.${'x'.repeat(400)}`, `${'本'.repeat(340)}.${'x'.repeat(11)}`],
    ['x\ud800y.txt', 'x\ufffdy.txt'],
    ['x\udc00y.txt', 'x\ufffdy.txt'],
    ['.htaccess', '.htaccess'],
    ['run.exe. . ', 'run.exe'],
  ])('names the file %j as %j for a client', (name, saved) =>
    expect(nameIn(contentDisposition('attachment', name))).toBe(saved),
  );

  it.each(['', '.', '..', 'folder/', '\u202e', ' '])('omits the name when nothing is left of %j', (name) => {
    expect(contentDisposition('attachment', name)).toBe('attachment');
    expect(contentDisposition('inline', name)).toBe('inline');
  });

  it('never throws, never contains a line break, and keeps the name', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(name, (given) => {
        const value = contentDisposition('inline', given);
        expect(value).toMatch(/^[\x20-\x7e]+$/);
        validateHeaderValue('content-disposition', value);
        const read = nameIn(value);
        expect(
          given
            .toWellFormed()
            .replace(/[^\p{L}\p{N}]/gu, '')
            .endsWith((read ?? '').replace(/[^\p{L}\p{N}]/gu, '')),
        ).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
