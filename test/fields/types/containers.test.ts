import { randomBytes } from 'node:crypto';
import { readHead } from '../../../src/fields/types/head.js';
import { directoryOf, makeCompound, type CompoundEntry } from '../../support/make-compound.js';
import { makeZip, type ZipLayout } from '../../support/make-zip.js';
import { chunksOf, typeOfFile, typeOfStream } from '../../support/recognise.js';

const open = 'application/vnd.openxmlformats-officedocument';
const docx = `${open}.wordprocessingml.document`;
const odt = 'application/vnd.oasis.opendocument.text';
const jar = 'application/java-archive';

const override = (type: string) => `<Override PartName="/main.xml" ContentType="${type}"/>`;
const contentTypes = (...elements: readonly string[]) =>
  `<?xml version="1.0"?><Types xmlns="x"><Default Extension="rels" ContentType="y"/>${elements.join('')}</Types>`;
const isDocx = ['[Content_Types].xml', contentTypes(override(`${docx}.main+xml`))] as const;
const picture = ['word/media/image1.png', randomBytes(20_000)] as const;
const rels = ['_rels/.rels', '<Relationships/>'] as const;
const text = ['word/document.xml', '<w:document/>'.repeat(500)] as const;

describe('archives', () => {
  const layouts: readonly (readonly [string, ZipLayout])[] = [
    ['sizes in front', {}],
    ['sizes behind the data', { descriptors: 'signed' }],
    ['sizes behind the data without a signature', { descriptors: 'unsigned' }],
    ['stored entries', { store: true }],
    ['a comment at the end', { comment: 'PK\u0005\u0006 a comment' }],
  ];

  describe.each(layouts)('with %s', (_name, layout) => {
    it.each([
      ['a document as Word orders it', [isDocx, rels, text], docx],
      ['a document as LibreOffice orders it', [rels, text, picture, isDocx], docx],
      ['a document whose pictures come first', [picture, text, rels, isDocx], docx],
      [
        'a document with an archive in it',
        [['word/embeddings/a.zip', makeZip([['META-INF/MANIFEST.MF', '']])], isDocx],
        docx,
      ],
      [
        'a text of OpenDocument',
        [
          ['mimetype', odt],
          ['content.xml', '<a/>'],
        ],
        odt,
      ],
      [
        'a text of OpenDocument whose type comes last',
        [
          ['content.xml', '<a/>'],
          ['META-INF/manifest.xml', ''],
          ['mimetype', `${odt}\n`],
        ],
        odt,
      ],
      [
        'a book',
        [
          ['mimetype', 'application/epub+zip'],
          ['META-INF/container.xml', ''],
        ],
        'application/epub+zip',
      ],
      [
        'a program of Java',
        [
          ['META-INF/MANIFEST.MF', 'Manifest-Version: 1.0'],
          ['A.class', 'x'],
        ],
        jar,
      ],
      [
        'a program of Android',
        [
          ['META-INF/MANIFEST.MF', ''],
          ['AndroidManifest.xml', 'x'],
          ['classes.dex', 'x'],
        ],
        'application/vnd.android.package-archive',
      ],
      ['an archive that says it is a picture', [['mimetype', 'image/png']], 'application/zip'],
      ['an archive with a folder called word', [['word/list.txt', 'x']], 'application/zip'],
      [
        'an archive with such a part of another kind',
        [['[Content_Types].xml', contentTypes()], text],
        'application/zip',
      ],
    ] as const)('finds the type of %s', async (_kind, entries, type) => {
      const bytes = makeZip(entries, layout);
      expect([await typeOfStream(bytes, 'a.jar'), await typeOfFile(bytes, 'a.jar')]).toEqual([type, type]);
    });
  });

  it('takes an archive that is a program and a document for a program', async () => {
    const bytes = makeZip([isDocx, rels, text, ['META-INF/MANIFEST.MF', 'Main-Class: Evil'], ['Evil.class', 'x']]);
    expect([await typeOfStream(bytes, 'a.docx'), await typeOfFile(bytes, 'a.docx')]).toEqual([jar, jar]);
  });

  it('takes a document that names a part with macros and one without for one with macros', async () => {
    const macros = override('application/vnd.ms-word.document.macroEnabled.main+xml');
    const bytes = makeZip([['[Content_Types].xml', contentTypes(override(`${docx}.main+xml`), macros)], text]);
    expect(await typeOfStream(bytes)).toBe('application/vnd.ms-word.document.macroenabled.12');
  });

  it('believes what is said of one part, before what is said of all parts with an ending', async () => {
    const ofAll = '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>';
    const sheet = `${open}.spreadsheetml.sheet`;
    expect(
      await typeOfStream(makeZip([['[Content_Types].xml', contentTypes(ofAll, override(`${sheet}.main+xml`))]])),
    ).toBe(sheet);
    const onlyAll = `<Default Extension="xml" ContentType="${docx}.main+xml"/>`;
    expect(await typeOfStream(makeZip([['[Content_Types].xml', contentTypes(onlyAll)]]))).toBe(docx);
  });

  it('finds in a long file that can be read at any position what stands at its end', async () => {
    const large = ['word/media/a.bin', randomBytes(600_000)] as const;
    const template = contentTypes(override(`${open}.wordprocessingml.template.main+xml`));
    const bytes = makeZip([large, text, ['[Content_Types].xml', template]]);
    expect(await typeOfFile(bytes)).toBe(`${open}.wordprocessingml.template`);
    // Of a stream only the names of the first entries are known.
    expect(await typeOfStream(bytes)).toBe(docx);
    const program = makeZip([large, ['META-INF/MANIFEST.MF', '']]);
    expect(await typeOfFile(program)).toBe(jar);
  });

  it('follows the entries of a stream, whatever is in their data', async () => {
    const template = `${open}.wordprocessingml.template`;
    const inner = makeZip([['META-INF/MANIFEST.MF', 'x']], { store: true });
    const entries = [
      ['word/embeddings/a.zip', inner],
      ['[Content_Types].xml', contentTypes(override(`${template}.main+xml`))],
      ['word/media/a.bin', randomBytes(300_000)],
    ] as const;
    for (const descriptors of ['signed', 'unsigned', 'long', 'long unsigned'] as const) {
      expect([descriptors, await typeOfStream(makeZip(entries, { descriptors, store: true }))]).toEqual([
        descriptors,
        template,
      ]);
    }
    expect(await typeOfStream(makeZip(entries))).toBe(template);
  });

  it('finds the directory behind a comment that points to another', async () => {
    const other = makeZip([['META-INF/MANIFEST.MF', 'x']]);
    const [directory, end] = [other.subarray(other.indexOf('PK\u0001\u0002', 0, 'latin1'), -22), other.subarray(-22)];
    const entries = [['word/a.bin', directory], isDocx, text] as const;
    end.writeUInt32LE(makeZip(entries, { store: true }).indexOf(directory), 16);
    const bytes = makeZip(entries, { store: true, comment: `${end.toString('latin1')} and more` });
    expect([await typeOfStream(bytes), await typeOfFile(bytes)]).toEqual([docx, docx]);
  });

  it('takes a library of Android for no program', async () => {
    expect(
      await typeOfStream(
        makeZip([
          ['AndroidManifest.xml', 'x'],
          ['classes.jar', 'x'],
        ]),
      ),
    ).toBe('application/zip');
  });

  it('takes a type that would inflate to gigabytes for none', async () => {
    const bomb = makeZip([['[Content_Types].xml', isDocx[1] + ' '.repeat(64 * 1024 * 1024)], text]);
    expect(await typeOfStream(bomb)).toBe('application/zip');
  });

  it('ignores entries that are damaged, encrypted or cut', async () => {
    const whole = makeZip([isDocx, text]);
    const damaged = Buffer.from(whole).fill(0xff, 60, 90);
    expect(await typeOfStream(damaged)).toBe('application/zip');
    for (let length = 0; length < whole.byteLength; length += 7) {
      expect([docx, 'application/zip', 'application/octet-stream', 'text/plain']).toContain(
        await typeOfStream(whole.subarray(0, length)),
      );
    }
  });
});

describe('compound files', () => {
  const word = 'application/msword';

  it.each([
    ['WordDocument', word],
    ['Workbook', 'application/vnd.ms-excel'],
    ['Book', 'application/vnd.ms-excel'],
    ['PowerPoint Document', 'application/vnd.ms-powerpoint'],
    ['__properties_version1.0', 'application/vnd.ms-outlook'],
    ['VisioDocument', 'application/vnd.visio'],
    ['EncryptedPackage', 'application/x-cfb'],
    ['constructor', 'application/x-cfb'],
  ])('with a stream %s is %s, whatever its name', async (stream, type) => {
    const bytes = makeCompound(directoryOf(stream));
    for (const name of ['a.doc', 'a.xls', 'a.exe']) {
      expect([await typeOfStream(bytes, name), await typeOfFile(bytes, name)]).toEqual([type, type]);
    }
  });

  it('is what its root storage says, not a document in it', async () => {
    const bytes = makeCompound([
      { name: 'Root Entry', kind: 5, child: 1 },
      { name: 'MBD0000', kind: 1, child: 2, right: 5 },
      { name: 'WordDocument', kind: 2 },
      { name: 'a', kind: 2 },
      { name: 'b', kind: 2 },
      { name: 'Workbook', kind: 2 },
    ]);
    expect(await typeOfStream(bytes, 'a.doc')).toBe('application/vnd.ms-excel');
  });

  it('is what the directory at the end of a long file says, if it can be read', async () => {
    const bytes = makeCompound(directoryOf('Workbook'), 2000);
    expect(await typeOfFile(bytes, 'a.doc')).toBe('application/vnd.ms-excel');
    // The name chooses only where the directory is out of reach, and only between these types.
    expect(await typeOfStream(bytes, 'a.doc')).toBe(word);
    expect(await typeOfStream(bytes, 'a.html')).toBe('application/x-cfb');
    expect(await typeOfStream(bytes, 'a.js')).toBe('application/x-cfb');
  });

  it('is what its name says, between these types, if its directory is damaged or longer than what is read', async () => {
    const damaged = Buffer.from('d0cf11e0a1b11ae1', 'hex');
    expect(await typeOfStream(Buffer.concat([damaged, Buffer.alloc(5000)]), 'a.xls')).toBe('application/vnd.ms-excel');
    const [root, stream] = directoryOf('WordDocument') as [CompoundEntry, CompoundEntry];
    const long = makeCompound([{ ...root, child: 600 }, ...Array<CompoundEntry>(600).fill(stream)]);
    expect(await typeOfStream(long, 'a.ppt')).toBe('application/vnd.ms-powerpoint');
  });

  it('may have sectors of 4096 bytes', async () => {
    const small = makeCompound(directoryOf('Workbook'));
    const header = Buffer.concat([small.subarray(0, 512), Buffer.alloc(4096 - 512)]);
    header.writeUInt16LE(12, 0x1e);
    header.writeUInt32LE(1, 0x30);
    const table = Buffer.alloc(4096, 0xff);
    table.writeUInt32LE(0xfffffffe, 4);
    const directory = Buffer.concat([small.subarray(-512), Buffer.alloc(4096 - 512)]);
    expect(await typeOfStream(Buffer.concat([header, table, directory]))).toBe('application/vnd.ms-excel');
  });

  it('ends with a directory that has a loop', async () => {
    const loop = makeCompound([
      { name: 'Root Entry', kind: 5, child: 1 },
      { name: 'a', kind: 2, right: 1 },
    ]);
    // Its table says that the sector of the directory follows itself.
    loop.writeUInt32LE(loop.readUInt32LE(0x30), 512 + 4 * loop.readUInt32LE(0x30));
    expect([await typeOfStream(loop), await typeOfFile(loop)]).toEqual(['application/x-cfb', 'application/x-cfb']);
  });
});

describe('readHead', () => {
  const bytesOf = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);

  it('reads 4100 bytes of an ordinary file and 256 KiB of a container ahead, whatever the chunks', async () => {
    const zip = makeZip([['a', randomBytes(1_000_000)]]);
    for (const chunkBytes of [3, 1000]) {
      const plain = await readHead(chunksOf(Buffer.alloc(1_000_000, 'a'), chunkBytes));
      expect(bytesOf(plain.chunks)).toBeLessThan(4100 + chunkBytes);
      expect(plain).toMatchObject({ head: { byteLength: 4100 }, complete: false });
      const container = await readHead(chunksOf(zip, chunkBytes));
      expect(container).toMatchObject({ head: { byteLength: 256 * 1024 }, complete: false });
      expect(
        Buffer.concat(container.chunks)
          .subarray(0, 256 * 1024)
          .equals(zip.subarray(0, 256 * 1024)),
      ).toBe(true);
    }
  });

  it('gives the bytes of a source that uses one memory for all of its chunks', async () => {
    async function* source() {
      const memory = Buffer.alloc(1000);
      for (const letter of 'abcdef') yield memory.fill(letter);
    }
    const { head, chunks } = await readHead(source());
    const expected = [...'abcde'].map((letter) => letter.repeat(1000)).join('');
    expect(Buffer.concat(chunks).toString()).toBe(expected);
    expect(head.toString()).toBe(expected.slice(0, 4100));
  });

  it('knows that an upload is whole', async () => {
    expect(await readHead(chunksOf(Buffer.from('abc'), 2))).toMatchObject({ head: Buffer.from('abc'), complete: true });
    expect(await readHead(chunksOf(Buffer.alloc(0), 2))).toMatchObject({ head: Buffer.alloc(0), complete: true });
  });

  it('does not ask a source of known size for its end, but for as much of an archive as it needs', async () => {
    let asked = 0;
    const counted = async function* (bytes: Buffer) {
      for await (const chunk of chunksOf(bytes, bytes.byteLength)) {
        asked += 1;
        yield chunk;
      }
      asked += 1;
    };
    expect(await readHead(counted(Buffer.from('abc')), 3)).toMatchObject({ head: Buffer.from('abc'), complete: true });
    expect(asked).toBe(1);
    const archive = Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(300_000)]);
    const { head, complete } = await readHead(counted(archive), archive.byteLength);
    expect({ bytes: head.byteLength, complete }).toEqual({ bytes: 256 * 1024, complete: false });
  });
});
