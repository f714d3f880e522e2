import fc from 'fast-check';
import { downloadView, type StoredFile } from 'filefield';
import { runView } from 'filefield/testing';
import { namedTexts } from '../../../src/fields/types/text.js';
import { knownTypes } from '../../../src/fields/types/known.js';
import { filesFor, Letter } from '../../support/fields.js';
import { directoryOf, makeCompound } from '../../support/make-compound.js';
import { makeZip } from '../../support/make-zip.js';
import { typeOfStream } from '../../support/recognise.js';

const script = 'document.title = 1';
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

/** The types that a browser runs or applies when a page names a file by `<script>`, `<link>` or another element, also of the same site, also as an attachment. */
const runnable =
  /^(?:(?:text|application)\/(?:x-)?(?:javascript|ecmascript|jscript|livescript)|text\/(?:javascript1\.\d|css|cache-manifest|x-component|xsl|vbscript)|application\/(?:wasm|manifest\+json|xslt\+xml|importmap\+json|speculationrules\+json)|multipart\/.*|message\/.*)\b/;
/** The types whose documents run scripts when they are displayed. */
const scriptable = /^(?:text\/html|image\/svg\+xml|(?:application|text)\/xml|.*\+xml)\b/;

/** How a file field keeps and serves an upload, to a page that asks to display it. */
async function served(bytes: Buffer | string, name: string) {
  const { files } = filesFor();
  const file: StoredFile = await files.stage(Letter, 'file', bytes, { name });
  const view = downloadView(async () => ({ subject: 0, file: () => file }), { disposition: 'inline' });
  const { status, headers } = await runView(view);
  expect({ status, nosniff: headers['x-content-type-options'] }).toEqual({ status: 200, nosniff: 'nosniff' });
  const inline = headers['content-disposition']!.startsWith('inline');
  return { type: headers['content-type']!, inline, sandbox: headers['content-security-policy'] ?? '' };
}

describe('a page of the site cannot run or apply an upload', () => {
  it.each([
    ...['evil.js', 'evil.mjs', 'evil.cjs', 'evil.jsx', 'evil.ecma', 'evil.json.js', 'evil.JS'],
    ...['evil.css', 'evil.htc', 'evil.appcache', 'evil.manifest', 'evil.webmanifest', 'evil.importmap'],
    ...[
      'evil.xsl',
      'evil.html',
      'evil.xhtml',
      'evil.shtml',
      'evil.hta',
      'evil.mht',
      'evil.svg',
      'evil.swf',
      'evil.wasm',
    ],
  ])('that is named %s', async (name) => {
    for (const bytes of [script, `\ufeff${script}`, utf16(script), Buffer.from(`${script} // für`, 'latin1')]) {
      const { type } = await served(bytes, name);
      expect(type).toMatch(/^text\/plain\b/);
    }
  });

  it.each([
    ['a script that begins like a GIF', 'GIF89a=1;alert(1)'],
    ['a script that begins like a bitmap', 'BM=1;alert(1)'],
    ['a script that begins like an MP3', 'ID3=1;alert(1)'],
    ['a script with a mark of the end', `${script}\u001a`],
  ])('that is %s', async (_kind, bytes) => {
    expect(await served(bytes, 'evil.js')).toMatchObject({ type: 'text/plain; charset=utf-8' });
  });

  it('that is WebAssembly', async () => {
    expect(await served(Buffer.from('0061736d01000000', 'hex'), 'evil.wasm')).toMatchObject({
      type: 'application/octet-stream',
    });
  });

  it('of any type', () => {
    expect([...knownTypes].filter((type) => runnable.test(type))).toEqual([]);
  });
});

describe('an upload is not displayed as a document that runs scripts', () => {
  it.each([
    ['HTML named as text', '<!doctype html><script>alert(1)</script>', 'a.txt'],
    ['HTML named as Markdown', '<script>alert(1)</script>', 'a.md'],
    ['HTML named as an image', '<html><script>alert(1)</script>', 'a.png'],
    ['HTML in UTF-16', utf16('<script>alert(1)</script>'), 'a.txt'],
    ['HTML after a comment', '<!-- %PDF-1.4 --><script>alert(1)</script>', 'a.pdf'],
    ['SVG named as text', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'a.txt'],
    ['SVG named as Markdown', '<svg onload=alert(1)>', 'a.md'],
    ['XML with a script of XHTML', '<x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>1</h:script></x>', 'a.txt'],
  ])('%s', async (_kind, bytes, name) => {
    const { type, inline, sandbox } = await served(bytes, name);
    expect(type).toMatch(scriptable);
    expect({ inline, sandbox }).toEqual({ inline: false, sandbox: "sandbox; default-src 'none'" });
  });

  it.each([
    ['a PDF with HTML in it', '%PDF-1.4\n<html><script>alert(1)</script>', 'a.html', 'application/pdf'],
    ['an archive named as a page', makeZip([['a.html', '<script>1</script>']]), 'a.html', 'application/zip'],
    ['a document of Office named as a page', makeCompound(directoryOf('WordDocument')), 'a.html', 'application/msword'],
    ['text before HTML', 'hello <script>alert(1)</script>', 'a.html', 'text/plain; charset=utf-8'],
  ])('%s', async (_kind, bytes, name, type) => {
    expect((await served(bytes, name)).type).toBe(type);
  });

  // WHATWG MIME Sniffing 7.1: what a browser takes for a document if a server has lost the type.
  const sniffed = [
    ...['<!DOCTYPE HTML', '<HTML', '<HEAD', '<SCRIPT', '<IFRAME', '<H1', '<DIV', '<FONT', '<TABLE', '<A', '<STYLE'],
    ...['<TITLE', '<B', '<BODY', '<BR', '<P', '<!--', '<?xml'],
  ];
  const names = ['a', 'a.txt', 'a.md', 'a.csv', 'a.json', 'a.xml', 'a.html', 'a.png', 'a.js', 'a.yaml', 'a.vcf'];

  it('if a browser without a type would take it for one', async () => {
    const space = fc.array(fc.constantFrom('\t', '\n', '\f', '\r', ' ')).map((characters) => characters.join(''));
    const tag = fc.constantFrom(...sniffed, ...sniffed.map((one) => one.toLowerCase()));
    const rest = fc.oneof(fc.string(), fc.constantFrom('x', '/>', 'xmlns="a">', '-->', '<svg>'));
    await fc.assert(
      fc.asyncProperty(space, tag, fc.constantFrom(' ', '>'), rest, fc.constantFrom(...names), async (...parts) => {
        const [before, beginning, end, after, name] = parts;
        const type = (await typeOfStream(`${before}${beginning}${end}${after.replace(/\p{Cc}/gu, '')}`, name)).split(
          ';',
        )[0]!;
        // Otherwise it is a kind of text that browsers save, whoever serves it.
        if (!scriptable.test(type)) expect([...namedTexts].filter((one) => one !== 'text/plain')).toContain(type);
      }),
      { numRuns: 1000 },
    );
  });
});
