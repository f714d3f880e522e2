import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { knownTypes } from '../../../src/fields/types/known.js';
import { isInert } from '../../../src/http/type.js';
import { typeOfFile, typeOfStream } from '../../support/recognise.js';

const html = 'text/html';
const xml = 'application/xml';
const svg = 'image/svg+xml';
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const utf16le = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
const utf16be = (text: string) => utf16le(text).swap16();
const namespace = 'xmlns="http://www.w3.org/2000/svg"';

describe('text', () => {
  it.each([
    ['plain text', 'hello', 'a.txt', 'text/plain'],
    ['text named as CSV', 'a,b\n1,2', 'a.csv', 'text/csv'],
    ['text named as JSON', '{"a":1}', 'a.json', 'application/json'],
    ['text named as YAML', 'a: 1', 'a.yml', 'text/yaml'],
    ['text with an unknown name', 'hello', 'a.xyz', 'text/plain'],
    ['text that claims to be a PNG', 'hello', 'a.png', 'text/plain'],
    ['text that claims to be HTML', 'hello', 'a.html', 'text/plain'],
    ['text that claims to be RTF', 'hello', 'a.rtf', 'text/plain'],
    ['RTF', '{\\rtf1\\ansi hi}', 'a.txt', 'application/rtf'],
    ['a calendar', 'BEGIN:VCALENDAR\r\n', 'a', 'text/calendar'],
    ['text with a mark of UTF-8', '\ufeffName;Größe', 'a.csv', 'text/csv'],
    ['coloured output of a terminal', '\u001b[31mred\u001b[0m', 'a.log', 'text/plain'],
    ['a less-than sign in prose', '< 5 and > 3', 'a.txt', 'text/plain'],
    ['an address in angle brackets', '<john@example.com> wrote', 'a.txt', 'text/plain'],
    ['an empty file', '', 'a.txt', 'text/plain'],
    ['an empty file named as CSV', '', 'a.csv', 'text/csv'],
  ])('returns the type of %s', async (_kind, text, name, type) => {
    expect(await typeOfStream(text, name)).toBe(type);
  });

  it.each([
    ['UTF-16, little-endian', utf16le('Name\tGröße\r\n'), 'a.csv', 'text/csv; charset=utf-16'],
    ['UTF-16, big-endian', utf16be('Name\tGröße\r\n'), 'a.csv', 'text/csv; charset=utf-16'],
    ['UTF-16 with a character of two units', utf16le('a😀b'), 'a.txt', 'text/plain; charset=utf-16'],
    ['long UTF-16', utf16le('Größe\n'.repeat(2000)), 'a.txt', 'text/plain; charset=utf-16'],
    ['long UTF-16 whose head ends inside a character', utf16le('😀'.repeat(2000)), 'a', 'text/plain; charset=utf-16'],
    ['JSON in UTF-16', utf16le('{}'), 'a.json', 'application/json; charset=utf-16'],
    [
      'Windows-1252, as Excel writes CSV',
      latin1('Name;Größe\r\nMüller;3\r\n'),
      'a.csv',
      'text/csv; charset=unknown-8bit',
    ],
    ['Windows-1251', Buffer.from('c8ecff3bcff0e8e2e5f20a', 'hex'), 'a.csv', 'text/csv; charset=unknown-8bit'],
    [
      'GB 18030, as Excel writes CSV in China',
      Buffer.from('c4e3bac32ccac0bde70a', 'hex'),
      'a.csv',
      'text/csv; charset=unknown-8bit',
    ],
    [
      'Shift_JIS, as Excel writes CSV in Japan',
      Buffer.from('96bc914f2c944e97ee0a', 'hex'),
      'a.csv',
      'text/csv; charset=unknown-8bit',
    ],
  ])('returns the type and charset of %s', async (_kind, bytes, name, type) => {
    expect(await typeOfStream(bytes, name)).toBe(type);
  });

  it('returns text/plain when the last character of the head is cut in two', async () => {
    const text = Buffer.concat([Buffer.alloc(4099, 'a'), Buffer.from('éé')]);
    expect(await typeOfStream(text, 'a.txt')).toBe('text/plain');
  });

  it('ignores the end marks of DOS, but not inside the text', async () => {
    expect(await typeOfStream('abc\r\n\u001a', 'a.txt')).toBe('text/plain');
    expect(await typeOfStream(`abc${'\u001a'.repeat(128)}`, 'a.txt')).toBe('text/plain');
    expect(await typeOfStream('a\u001abc', 'a.txt')).toBe('application/octet-stream');
  });

  // The letters that begin these texts are the whole signature of a binary format.
  it.each([
    'BMI;age\n24;30',
    'our free-range eggs',
    'the wide world',
    'the moov atom',
    'the mdat atom',
    'solid ground',
    'MZ 1234',
    'GIF is a format',
    'GIF89a=1;alert(1)',
    'FWS means',
    'CWS means',
    'MThd is the header',
    'DSD is a disk',
    'BZh is a magic',
    'BZh91AY&SY',
    'LZIP is a tool',
    '%! is a magic',
    '%PDFs',
    'MP+ means',
    'ITSF is the header',
    'FORM of application',
    'ID3 tags',
    'SQLite is small',
    'AC1015 is a number',
    '070707;1;2',
    'Cr24',
    'DRACO',
    'G'.repeat(400),
    `${'a'.repeat(36)}acsp`,
    'a -lh5- b',
  ])('returns text/plain for the text %j', async (text) => {
    expect(await typeOfStream(text, 'a.txt')).toBe('text/plain');
    expect(await typeOfStream(`\ufeff${text}`, 'a.txt')).toBe('text/plain');
    expect(await typeOfStream(latin1(`${text} für`), 'a.txt')).toBe('text/plain; charset=unknown-8bit');
    expect(await typeOfStream(utf16le(text), 'a.txt')).toBe('text/plain; charset=utf-16');
  });
});

describe('markup', () => {
  it.each([
    ['HTML', '<!DOCTYPE html><p>x', 'a.txt', html],
    ['HTML after white space', ' \n\t<ScRiPt>alert(1)</sCrIpT>', 'a.txt', html],
    ['HTML that begins with a comment', '<!-- x --><b>', 'a.txt', html],
    ['HTML after a comment that XML reads differently', '<!--><script>alert(1)</script>-->', 'a.txt', html],
    ['a fragment of HTML that is named so', '<center>x', 'a.html', html],
    ['HTML with an image in it', '<html><body><svg onload=alert(1)>', 'a.svg', html],
    ['XHTML', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', 'a.txt', html],
    ['HTML in UTF-16', utf16le('<script>alert(1)</script>'), 'a.txt', `${html}; charset=utf-16`],
    ['HTML in Latin-1', latin1('<html><p>Größe'), 'a.txt', `${html}; charset=unknown-8bit`],
    ['SVG', `<svg ${namespace}/>`, 'a.txt', svg],
    ['SVG after an XML declaration', `<?xml version="1.0"?><svg ${namespace}/>`, 'a.png', svg],
    ['SVG after a mark of UTF-8', `\ufeff<svg ${namespace}/>`, 'a.txt', svg],
    ['SVG after comments', `<!-- a --> <!-- b -->\n<svg ${namespace}/>`, 'a.txt', svg],
    ['SVG after a document type', '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd"><svg/>', 'a.svg', svg],
    [
      'SVG after a document type with entities, as Illustrator writes it',
      '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "x" "y" [\n<!ENTITY ns "http://a/">\n]>\n<svg xmlns="&ns;"/>',
      'a.txt',
      svg,
    ],
    ['SVG whose document type is longer than the head', `<!DOCTYPE svg [${'<!ENTITY a "b">'.repeat(400)}]>`, 'a', svg],
    ['SVG with a prefix', '<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>', 'a.txt', svg],
    ['SVG in UTF-16', utf16be(`<svg ${namespace}/>`), 'a.txt', svg],
    ['XML', '<?xml version="1.0"?><feed/>', 'a.txt', xml],
    ['XML in UTF-16', utf16le('<?xml version="1.0" encoding="UTF-16"?><feed/>'), 'a.txt', xml],
    ['XML in Latin-1', latin1('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>'), 'a.txt', xml],
    ['what a browser takes for HTML, with a namespace', '<table xmlns="urn:x">', 'a.xml', html],
    ['XML with a namespace and without a declaration', '<Invoice xmlns="urn:x"><ID/></Invoice>', 'a.txt', xml],
    ['XML after a comment', '<!-- x --><Invoice xmlns="urn:x"/>', 'a.txt', xml],
    ['XML that is named so', '<Invoice><ID/></Invoice>', 'a.xml', xml],
    ['a track that is named so', '<gpx version="1.1">', 'a.gpx', xml],
    ['XML with a document type', '<!DOCTYPE plist PUBLIC "x" "y"><plist/>', 'a.txt', xml],
    ['XML whose text mentions SVG', '<?xml version="1.0"?><feed><svg/></feed>', 'a.txt', xml],
  ])('returns the type of %s', async (_kind, bytes, name, type) => {
    expect(await typeOfStream(bytes, name)).toBe(type);
  });

  it.each([
    ['<p align="center">logo</p>\n\n# readme', 'README.md', 'text/markdown'],
    ['<!-- badges -->\n# readme', 'README.md', 'text/markdown'],
    ['<a>;1', 'a.csv', 'text/csv'],
    ['<a/>,1', 'a.csv', 'text/csv'],
    ['<T> foo', 'a.cpp', 'text/plain'],
    ['<x-foo onclick=alert(1)>', 'a.md', 'text/markdown'],
    ['<?php echo 1;', 'a.php', 'text/plain'],
  ])('returns for %j, named %s, %s', async (text, name, type) => {
    expect(await typeOfStream(text, name)).toBe(type);
  });
});

describe('binary formats', () => {
  const zeros = Buffer.alloc(400);
  const box = (brands: string) => {
    const bytes = Buffer.from(`0000ftyp${brands}`, 'latin1');
    bytes.writeUInt32BE(bytes.byteLength);
    return Buffer.concat([bytes, zeros]);
  };

  it.each([
    ['a PDF with a wrong name', '%PDF-1.7\n', 'application/pdf'],
    ['a PDF after a line break', '\r\n%PDF-1.7\n%âãÏÓ', 'application/pdf'],
    ['a PDF after a mark of UTF-8', '\ufeff%PDF-1.7\n', 'application/pdf'],
    [
      'a PDF after bytes of a printer',
      Buffer.concat([Buffer.from([0x1b, 1, 2]), Buffer.from('\n%PDF-1.4\n')]),
      'application/pdf',
    ],
    ['PostScript', '%!PS-Adobe-3.0\n', 'application/postscript'],
    ['a text that mentions PDF', 'The header is %PDF-1.7', 'text/plain'],
    [
      'TIFF with its directory at the end',
      Buffer.concat([Buffer.from('49492a0000200000', 'hex'), zeros]),
      'image/tiff',
    ],
    ['TIFF of the other byte order', Buffer.concat([Buffer.from('4d4d002a00002000', 'hex'), zeros]), 'image/tiff'],
    ['HEIC with a general brand first', box('mif1\0\0\0\0mif1heic'), 'image/heic'],
    ['AVIF with a general brand first', box('mif1\0\0\0\0mif1avif'), 'image/avif'],
    ['HEIF of another codec', box('mif1\0\0\0\0mif1jpeg'), 'image/heif'],
    ['a film without a brand', Buffer.concat([latin1('\0\0\0\x08wide'), zeros]), 'video/quicktime'],
    ['an image of Windows', Buffer.concat([latin1('BM\x96\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0'), zeros]), 'image/bmp'],
    ['ASCII STL', 'solid cube\n  facet normal 0 0 1\n', 'model/stl'],
    [
      'an image of IFF',
      Buffer.concat([Buffer.from('FORM\0\0\0\x10ILBMBMHD', 'latin1'), zeros]),
      'application/octet-stream',
    ],
    ['BM and other bytes', Buffer.concat([Buffer.from('BM'), zeros]), 'application/octet-stream'],
    ['UTF-16 without text', Buffer.concat([Buffer.from('fffe0100', 'hex'), zeros]), 'application/octet-stream'],
    [
      'pairs of bytes without space or line break',
      Buffer.alloc(4000, Buffer.from('b0a1', 'hex')),
      'application/octet-stream',
    ],
    ['a card in Latin-1', latin1('BEGIN:VCARD\r\nFN:Müller'), 'text/vcard; charset=unknown-8bit'],
    ['erased memory', Buffer.alloc(5000, 0xff), 'application/octet-stream'],
    [
      'silence in 8 bits',
      Buffer.from(Array.from({ length: 5000 }, (_, at) => 0x7f + (at % 3))),
      'application/octet-stream',
    ],
    ['random bytes', createHash('shake256', { outputLength: 4096 }).update('a').digest(), 'application/octet-stream'],
    ['a byte of zero in text', 'hello\0', 'application/octet-stream'],
    ['bytes of no format', Buffer.from([0, 1, 2, 3, 0xff]), 'application/octet-stream'],
  ])('returns the type of %s', async (_kind, bytes, type) => {
    expect(await typeOfStream(bytes, 'a.txt')).toBe(type);
  });

  it('shows HEIF images', () => {
    expect(['image/heic', 'image/heif'].every(isInert)).toBe(true);
  });
});

describe('any bytes', () => {
  const beginnings = [
    'PK\u0003\u0004',
    'GIF89a',
    '%PDF-',
    '<svg ',
    '<!--',
    '<?xml',
    'ID3',
    '\x1f\x8b\x08',
    '\xff\xfe',
    '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    '\0\0\0\x18ftyp',
    '\x1aE\xdf\xa3',
    'OggS',
    'RIFF',
    '\x89PNG\r\n\x1a\n',
    'II*\0',
    '0&\xb2u\x8ef\xcf\x11\xa6\xd9',
  ];
  const bytes = fc
    .tuple(fc.constantFrom('', ...beginnings), fc.uint8Array({ maxLength: 600 }))
    .map(([beginning, rest]) => Buffer.concat([latin1(beginning), rest]));

  it('have a known type, and never throw', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.string(), async (content, name) => {
        for (const type of [await typeOfStream(content, name), await typeOfFile(content, name)]) {
          expect(knownTypes).toContain(type.split(';', 1)[0]!.toLowerCase());
        }
      }),
      { numRuns: 400 },
    );
  });

  it('have the same type in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 64 }), async (content, chunkBytes) => {
        expect(await typeOfStream(content, 'a.md', chunkBytes)).toBe(await typeOfStream(content, 'a.md'));
      }),
    );
  });
});
