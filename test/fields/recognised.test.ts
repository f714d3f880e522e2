import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { UploadSource } from 'filefield';
import { filesFor, Letter } from '../support/fields.js';
import { makeZip } from '../support/make-zip.js';

describe('allowEmpty', () => {
  const refusal = (options: Parameters<typeof filesFor>[0], source: UploadSource) =>
    filesFor(options)
      .files.stage(Letter, 'file', source)
      .then(
        () => undefined,
        (error: unknown) => error,
      );

  it.each<[string, () => UploadSource]>([
    ['a text', () => ''],
    ['a stream', () => Readable.from([])],
    ['a stream of empty chunks', () => Readable.from([Buffer.alloc(0), Buffer.alloc(0)])],
  ])('refuses %s without bytes if it is false', async (_kind, source) => {
    expect(await refusal({}, source())).toBeUndefined();
    for (const options of [{ allowEmpty: false }, { allowEmpty: false, accept: ['application/pdf'] as const }]) {
      expect(await refusal(options, source())).toMatchObject({
        code: 'rejected',
        message: 'The file is empty; send one that has content.',
        context: { field: 'file', rule: 'allowEmpty' },
      });
    }
  });

  it('accepts a file of one byte', async () => {
    expect(await refusal({ allowEmpty: false }, 'x')).toBeUndefined();
  });

  it('is not needed where only types are accepted that no empty file has', async () => {
    expect(await refusal({ accept: ['application/pdf'] }, '')).toMatchObject({
      code: 'wrong_type',
      message: 'The file is empty, so it has none of the accepted types; accepted are application/pdf.',
    });
    expect(await refusal({ accept: ['text/*'] }, '')).toBeUndefined();
  });
});

describe('the charset of a text', () => {
  const typeOf = async (source: UploadSource) =>
    (await filesFor().files.stage(Letter, 'file', source, { name: 'a.csv' })).type;

  it.each<[string, string | Buffer, string]>([
    ['UTF-8', `${'a'.repeat(10_000)}é`, 'text/csv'],
    ['ASCII', 'a'.repeat(10_000), 'text/csv'],
    [
      'Latin-1 after the first 4100 bytes',
      Buffer.from(`${'a'.repeat(10_000)}é`, 'latin1'),
      'text/csv; charset=unknown-8bit',
    ],
    ['UTF-8 that is cut', Buffer.from(`${'a'.repeat(10_000)}é`).subarray(0, -1), 'text/csv; charset=unknown-8bit'],
    ['UTF-16', Buffer.from(`\ufeff${'é'.repeat(10_000)}`, 'utf16le'), 'text/csv; charset=utf-16'],
  ])('is judged by all of its bytes: %s', async (_kind, bytes, type) => {
    expect(await typeOf(bytes)).toBe(type);
    const drip = Buffer.from(bytes);
    expect(
      await typeOf(Readable.from([drip.subarray(0, 9999), drip.subarray(9999, 10_001), drip.subarray(10_001)])),
    ).toBe(type);
  });

  it('is given to the check of the field', async () => {
    const types: string[] = [];
    const { files } = filesFor({ check: ({ type }) => void types.push(type) });
    await files.stage(Letter, 'file', Buffer.from(`${'a'.repeat(10_000)}é`, 'latin1'));
    expect(types).toEqual(['text/plain; charset=unknown-8bit']);
  });
});

describe('the type of a long archive', () => {
  const open = 'application/vnd.openxmlformats-officedocument.wordprocessingml';
  const template = makeZip([
    ['word/media/image1.png', randomBytes(600_000)],
    ['[Content_Types].xml', `<Override PartName="/word/document.xml" ContentType="${open}.template.main+xml"/>`],
  ]);

  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is told by its last part where the source can be read at any position, else by the names of the first', async () => {
    const { files } = filesFor();
    const local = path.join(folder, 'local.bin');
    await writeFile(local, template);
    for (const source of [{ path: local }, template, new Blob([template])]) {
      const file = await files.stage(Letter, 'file', source);
      expect({ type: file.type, bytes: template.equals(await file.bytes()) }).toEqual({
        type: `${open}.template`,
        bytes: true,
      });
    }
    const file = await files.stage(Letter, 'file', Readable.from([template]));
    expect({ type: file.type, bytes: template.equals(await file.bytes()) }).toEqual({
      type: `${open}.document`,
      bytes: true,
    });
  });

  it('is known without holding more than 4100 bytes of it afterwards', async () => {
    const heads: Uint8Array[] = [];
    const { files } = filesFor({ check: ({ head }) => void heads.push(head) });
    await files.stage(Letter, 'file', Readable.from([template]));
    // Node may put it into a pool, of 8 KiB or 64 KiB.
    expect(heads.map(({ buffer, byteLength }) => ({ held: buffer.byteLength < 100_000, byteLength }))).toEqual([
      { held: true, byteLength: 4100 },
    ]);
  });
});
