import fc from 'fast-check';
import { dataUri } from 'filefield';
import { collect } from '../../src/file/body.js';

async function read(uri: string) {
  const file = dataUri(uri);
  const bytes = await collect(await file.open());
  return { type: file.type, text: bytes.toString('latin1'), right: bytes.byteLength === file.size };
}

describe('dataUri', () => {
  it.each([
    ['data:,', 'text/plain', ''],
    ['data:,A%20brief%20note', 'text/plain', 'A brief note'],
    ['DATA:Text/HTML,%3Cp%3E', 'text/html', '<p>'],
    ['data:text/plain;charset=iso-8859-7,%be%fg%be'.replace('%fg', '%fa'), 'text/plain', '\u00be\u00fa\u00be'],
    ['data:;charset=UTF-8,x', 'text/plain', 'x'],
    ['data:text/plain;a="b;c";d=e,x,y', 'text/plain', 'x,y'],
    ['data:image/svg+xml;charset=utf-8;base64,PHN2Zz4=', 'image/svg+xml', '<svg>'],
    ['data:;base64,', 'text/plain', ''],
    ['data:;base64,/w==', 'text/plain', '\u00ff'],
    ['data:;base64,//8=', 'text/plain', '\u00ff\u00ff'],
    ['data:;base64,%2F%2F8%3D', 'text/plain', '\u00ff\u00ff'],
  ])('reads %s', async (uri, type, text) => {
    expect(await read(uri)).toEqual({ type, text, right: true });
  });

  it.each([
    '',
    'text',
    'data:',
    'data:text/plain',
    ' data:,x',
    'data:text,x',
    'data:text/plain;charset,x',
    'data:;charset=a;base64;x=y,eA==',
    'data:, x',
    'data:,ü',
    'data:,100%',
    'data:,%zz',
    'data:,<p>',
    'data:,x#fragment',
    'data:;base64,eA',
    'data:;base64,eA=',
    'data:;base64,eB==',
    'data:;base64,eAF=',
    'data:;base64,eA==eA==',
    'data:;base64,e A=',
    'data:;base64,_w==',
    'data:;base64,e===',
    'data:;base64,eA==\n',
    7,
    null,
  ])('refuses %j with invalid_value', (uri) => {
    expect(() => dataUri(uri as string)).toThrow(expect.objectContaining({ code: 'invalid_value' }) as Error);
  });

  it('gives the bytes back that were written as base64 or with escapes, at any range', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat(), async (given, a, b) => {
      const bytes = Buffer.from(given);
      const escapes = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      const [start, end] = [a % bytes.length, b % bytes.length].sort((one, other) => one - other) as [number, number];
      for (const uri of [`data:;base64,${bytes.toString('base64')}`, `data:,${escapes}`]) {
        const file = dataUri(uri);
        expect(file.size).toBe(bytes.length);
        expect(await collect(await file.open({ start, end }))).toEqual(bytes.subarray(start, end + 1));
      }
    });
    await fc.assert(property);
  });

  it('may be long, but not before its data', () => {
    const long = 'a'.repeat(20_000_000);
    for (const uri of [`data:${long}`, `data:${long}/${long};${long}`, `data:,${'%20'.repeat(600_000)}%`]) {
      expect(() => dataUri(uri)).toThrow('not a data URI');
    }
    expect(dataUri(`data:;base64,${'aaaa'.repeat(5_000_000)}`).size).toBe(15_000_000);
  });
});
