import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { setTimeout as delay } from 'node:timers/promises';
import { FileFieldError, isFileFieldError, type FileFieldErrorCode, type UploadSource } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { filesFor, Letter } from '../support/fields.js';

const png = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');

async function codeOf(work: Promise<unknown>): Promise<FileFieldErrorCode | unknown> {
  const error = await work.then(
    () => 'resolved',
    (failure: unknown) => failure,
  );
  return isFileFieldError(error) ? error.code : error;
}

describe('stage', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filefield-'));
    await writeFile(path.join(folder, 'local.txt'), 'Grüße');
    await writeFile(path.join(folder, 'empty.txt'), '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const sources: [string, () => UploadSource][] = [
    ['a string', () => 'Grüße'],
    ['a Buffer', () => Buffer.from('Grüße')],
    ['a Uint8Array', () => new Uint8Array(Buffer.from('Grüße'))],
    ['a Blob', () => new Blob(['Grüße'])],
    ['a Node stream', () => Readable.from([Buffer.from('Grü'), Buffer.from('ße')])],
    ['a Node stream of text', () => Readable.from(['Grü', 'ße'])],
    ['a Web stream', () => new Blob(['Grüße']).stream()],
    [
      'an async iterable',
      async function* () {
        yield 'Gr';
        yield Buffer.from('üße');
      } as unknown as () => UploadSource,
    ],
    ['a local path', () => ({ path: path.join(folder, 'local.txt') })],
    ['a file that multer keeps in memory', () => ({ buffer: Buffer.from('Grüße'), originalname: 'x.txt' })],
  ];

  it.each(sources)('stores the bytes, size and hash of %s', async (_kind, make) => {
    const { files } = filesFor();
    const file = await files.stage(Letter, 'file', make());
    expect(await file.text()).toBe('Grüße');
    expect(file.size).toBe(7);
    expect(file.sha256).toBe(createHash('sha256').update('Grüße').digest('hex'));
    expect(file.crc32).toBe(crc32('Grüße').toString(16).padStart(8, '0'));
  });

  it('writes a crc32 of eight digits, whatever its value', async () => {
    const { files } = filesFor();
    // The CRC-32 of no bytes is 0, that of this text has four leading zeros.
    expect((await files.stage(Letter, 'file', '')).crc32).toBe('00000000');
    expect((await files.stage(Letter, 'file', 'n62534')).crc32).toBe('0000047b');
  });

  it('takes the name from the option, else from the source', async () => {
    const { files } = filesFor();
    const local = { path: path.join(folder, 'local.txt') };
    expect((await files.stage(Letter, 'file', local)).name).toBe('local.txt');
    expect((await files.stage(Letter, 'file', local, { name: 'other.txt' })).name).toBe('other.txt');
    expect((await files.stage(Letter, 'file', new File(['x'], 'browser.txt'))).name).toBe('browser.txt');
    expect((await files.stage(Letter, 'file', 'x')).name).toBe('file');
  });

  it('accepts empty sources', async () => {
    const { files } = filesFor();
    for (const source of ['', { path: path.join(folder, 'empty.txt') }, Readable.from([])]) {
      expect((await files.stage(Letter, 'file', source)).size).toBe(0);
    }
  });

  it('records the file before its first byte is written', async () => {
    const order: string[] = [];
    class Watching extends MemoryStorage {
      override write(...values: Parameters<MemoryStorage['write']>) {
        order.push(`write after ${ledger.statements.length} statements`);
        return super.write(...values);
      }
    }
    const { files, ledger } = filesFor({}, new Watching());
    await files.stage(Letter, 'file', 'x');
    expect(order).toEqual(['write after 1 statements']);
    expect(ledger.statements[0]).toMatch(/^INSERT INTO file_ledger .*'pending'/);
  });

  it('tells the storage the type, a disposition, and the size where the source knows it', async () => {
    const told: unknown[] = [];
    class Told extends MemoryStorage {
      override write(...values: Parameters<MemoryStorage['write']>) {
        told.push(values[2]);
        return super.write(...values);
      }
    }
    const { files } = filesFor({}, new Told());
    await files.stage(Letter, 'file', png);
    await files.stage(Letter, 'file', Readable.from([png]));
    const both = { type: 'image/png', disposition: 'attachment; filename=file' };
    expect(told).toStrictEqual([{ ...both, size: png.byteLength }, both]);
  });

  it.each([
    ['a number', 7],
    ['null', null],
    ['an object of another kind', { hello: 'world' }],
    ['a stream of objects', Readable.from([{ not: 'bytes' }])],
  ])('refuses %s with invalid_value and keeps nothing', async (_kind, source) => {
    const { files, memory } = filesFor();
    expect(await codeOf(files.stage(Letter, 'file', source as unknown as UploadSource))).toBe('invalid_value');
    expect(memory.keys).toEqual([]);
  });

  it('refuses a local path that does not exist or is a folder', async () => {
    const { files } = filesFor();
    expect(await codeOf(files.stage(Letter, 'file', { path: path.join(folder, 'nope') }))).toBe('not_found');
    expect(await codeOf(files.stage(Letter, 'file', { path: folder }))).toBe('invalid_value');
  });

  it('keeps nothing of a source that fails half way, and ends its lease', async () => {
    const { files, memory, ledger } = filesFor();
    const broken = (async function* () {
      yield Buffer.alloc(10_000);
      throw new Error('the cable was pulled');
    })();
    await expect(files.stage(Letter, 'file', broken)).rejects.toThrow('the cable was pulled');
    expect(memory.keys).toEqual([]);
    expect(ledger.statements.at(-1)).toMatch(/SET lease_until = 0/);
  });

  it('keeps nothing when a signal aborts the upload', async () => {
    const { files, memory } = filesFor();
    const abort = new AbortController();
    const endless = (async function* () {
      for (;;) {
        yield Buffer.alloc(1000);
        abort.abort();
      }
    })();
    expect(await codeOf(files.stage(Letter, 'file', endless, { signal: abort.signal }))).toBe('aborted');
    expect(memory.keys).toEqual([]);
  });
});

describe('a lease that may have ended while the file was uploaded', () => {
  /** An upload that takes longer than a third of the lease. */
  async function* slow() {
    // More than the first bytes, which are read before the lease begins.
    yield Buffer.alloc(5000, 'late');
    await delay(40);
  }
  const late = () => filesFor({}, new MemoryStorage(), { lease: 60 });

  it('is renewed once more when all bytes are stored', async () => {
    const { files, ledger, memory } = late();
    const written = memory.write.bind(memory);
    let before = 0;
    memory.write = async (...values) => {
      const info = await written(...values);
      before = ledger.statements.length;
      return info;
    };
    await files.stage(Letter, 'file', slow());
    expect(ledger.statements.slice(before)).toEqual([expect.stringMatching(/^UPDATE file_ledger SET lease_until = /)]);
  });

  it.each([
    ['staged_expired', 'a sweep was faster', async () => ({ rows: [], affected: 0 })],
    ['database_failed', 'the database fails', () => Promise.reject(new FileFieldError('database_failed', 'down'))],
  ] as const)('rejects with %s and deletes the object when %s', async (code, _why, answer) => {
    const { files, ledger, memory } = late();
    const execute = ledger.execute.bind(ledger);
    ledger.execute = (statement) =>
      /^UPDATE file_ledger SET lease_until = \D/.test(statement.text()) ? answer() : execute(statement);
    files.on('fault', () => undefined);
    expect(await codeOf(files.stage(Letter, 'file', slow()))).toBe(code);
    expect(memory.keys).toEqual([]);
  });
});

describe('maxSize', () => {
  it('ends an endless upload at the limit and keeps nothing', async () => {
    const { files, memory } = filesFor({ maxSize: '1 MB' });
    let sent = 0;
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) {
          sent += 100_000;
          yield Buffer.alloc(100_000);
        }
      } finally {
        closed = true;
      }
    })();
    const error = await files.stage(Letter, 'file', endless).catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 'too_large',
      message: 'The file is larger than 1 MB.',
      context: { field: 'file', rule: 'maxSize', limit: 1_000_000 },
    });
    expect(sent).toBeLessThanOrEqual(1_100_000);
    expect(closed).toBe(true);
    expect(memory.keys).toEqual([]);
  });

  it('refuses a source of a known size that is too large before anything is recorded', async () => {
    const { files, ledger } = filesFor({ maxSize: 3 });
    expect(await codeOf(files.stage(Letter, 'file', 'four'))).toBe('too_large');
    expect(ledger.statements).toEqual([]);
  });

  it('accepts a file of exactly that size', async () => {
    const { files } = filesFor({ maxSize: '4 B' });
    expect((await files.stage(Letter, 'file', 'four')).size).toBe(4);
  });
});

describe('accept', () => {
  it('compares the type of the bytes, not the name', async () => {
    const { files, memory, ledger } = filesFor({ accept: ['image/*'] });
    expect((await files.stage(Letter, 'file', png, { name: 'innocent.txt' })).type).toBe('image/png');
    const stored = memory.keys.length;
    const error = await files
      .stage(Letter, 'file', '<script>alert(1)</script>', { name: 'photo.png' })
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'wrong_type', context: { field: 'file', rule: 'accept', limit: ['image/*'] } });
    expect(memory.keys).toHaveLength(stored);
    expect(ledger.statements).toHaveLength(1);
  });

  it('reads the type of a stream without losing its first bytes', async () => {
    const { files } = filesFor({ accept: ['image/png'] });
    const drip = Readable.from([...png].map((byte) => Buffer.from([byte])));
    expect(await (await files.stage(Letter, 'file', drip)).bytes()).toEqual(png);
  });
});

describe('extensions', () => {
  it('compares extensions without regard to case', async () => {
    const { files } = filesFor({ extensions: ['.TXT'] });
    expect((await files.stage(Letter, 'file', 'x', { name: 'a.Txt' })).name).toBe('a.Txt');
    for (const name of ['a.exe', 'txt']) {
      await expect(files.stage(Letter, 'file', 'x', { name })).rejects.toMatchObject({
        code: 'wrong_type',
        context: { field: 'file', rule: 'extensions', limit: ['.TXT'] },
      });
    }
  });
});

describe('check', () => {
  it('gets the measured name, size, type and head, and refuses with its own sentence', async () => {
    const uploads: unknown[] = [];
    const { files, ledger } = filesFor({
      check: (upload) => {
        uploads.push({ ...upload, head: Buffer.from(upload.head).toString() });
        return 'We have enough of these.';
      },
    });
    const error = await files.stage(Letter, 'file', 'hello', { name: 'h.txt' }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'rejected', message: 'We have enough of these.', context: { rule: 'check' } });
    expect(uploads).toMatchObject([{ name: 'h.txt', size: 5, type: 'text/plain', head: 'hello' }]);
    // The bytes are stored by then. Their lease is ended, so that the next sweep deletes them.
    expect(ledger.statements.at(-1)).toMatch(/SET lease_until = 0/);
  });
});
