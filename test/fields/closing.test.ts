import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdirSync, promises as fsp, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileFieldError, isFileFieldError, type Files, type UploadSource } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage } from 'filefield/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closables } from '../support/closable-sources.js';
import { compile } from '../support/compiled.js';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { filesFor, Letter } from '../support/fields.js';

let folder: string;
beforeAll(async () => void (folder = await fsp.mkdtemp(path.join(tmpdir(), 'filefield-'))));
afterAll(() => fsp.rm(folder, { recursive: true }));

interface Refusing {
  readonly files: Files;
  readonly field?: string;
  readonly options?: object;
}

const down = () => Promise.reject(new FileFieldError('database_failed', 'down'));

function failing(after?: number): Refusing {
  const storage = new FailingStorage(new MemoryStorage());
  storage.fail('write', after === undefined ? {} : { after });
  return filesFor({}, storage);
}

/** Every moment at which an upload can be refused, with the code of the error. */
const refusals: Readonly<Record<string, readonly [code: string, make: () => Refusing]>> = {
  'its name': ['wrong_type', () => filesFor({ extensions: ['.pdf'] })],
  'its size': ['too_large', () => filesFor({ maxSize: 15_000 })],
  'its type': ['wrong_type', () => filesFor({ accept: ['image/*'] })],
  'the check of the field': ['rejected', () => filesFor({ check: () => 'No.' })],
  'an unknown field': ['invalid_option', () => ({ ...filesFor(), field: 'fiel' })],
  'an option that cannot work': ['invalid_option', () => ({ ...filesFor(), options: { maxSize: 'huge' } })],
  'a signal that has aborted': ['aborted', () => ({ ...filesFor(), options: { signal: AbortSignal.abort() } })],
  'a storage that reads nothing': ['storage_failed', () => failing()],
  'a storage that fails later': ['storage_failed', () => failing(12_000)],
  'a storage that is another one': [
    'wrong_storage',
    () => {
      const { files } = filesFor();
      const enter = () => Promise.reject(new FileFieldError('wrong_storage', 'another volume'));
      Object.assign(files.ledger, { fence: { enter } });
      return { files };
    },
  ],
  'a database that is down': [
    'database_failed',
    () => {
      const { files, ledger } = filesFor();
      ledger.execute = down;
      files.on('fault', () => undefined);
      return { files };
    },
  ],
  nothing: ['stored', () => filesFor()],
};

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'stored',
    (error: unknown) => (isFileFieldError(error) ? error.code : error),
  );
}

async function until(condition: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 1000 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  return condition();
}

describe.each(Object.entries(refusals))('when an upload is refused because of %s', (_why, [code, make]) => {
  it.each(Object.entries(closables))('%s is released, a hundred times', async (_kind, source) => {
    const { files, field = 'file', options = {} } = make();
    const own = path.join(folder, String(process.hrtime.bigint()));
    await fsp.mkdir(own);
    const closers: (() => boolean)[] = [];
    for (let turn = 0; turn < 100; turn += 1) {
      const { source: given, released } = await source(own);
      if (released) closers.push(released);
      const stage = files.stage(Letter, field as 'file', given, { name: 'x.txt', ...options });
      expect(await codeOf(stage)).toBe(code);
    }
    expect(await until(() => closers.every((released) => released()))).toBe(true);
    expect(await until(() => descriptorsBelow(own) === 0)).toBe(true);
    await fsp.rm(own, { recursive: true });
  });
});

describe('stageAll', () => {
  it.each<[string, string, object, string]>([
    ['its concurrency', 'invalid_option', { concurrency: 0 }, 'file'],
    ['an unknown field', 'invalid_option', {}, 'fiel'],
    ['its first file', 'too_large', { concurrency: 1, maxSize: 15_000 }, 'file'],
    ['a source that cannot be used', 'invalid_value', {}, 'file'],
  ])('releases all sources when it is refused because of %s', async (_why, code, options, field) => {
    const { files, memory } = filesFor();
    const made = await Promise.all(Object.values(closables).map((make) => make(folder)));
    const sources = made.map(({ source }) => source);
    if (code === 'invalid_value') sources.push(7 as unknown as UploadSource);
    expect(await codeOf(files.stageAll(Letter, field as 'file', sources, options))).toBe(code);
    expect(await until(() => made.every(({ released }) => released?.() ?? true))).toBe(true);
    expect(await until(() => descriptorsBelow(folder) === 0)).toBe(true);
    expect(memory.keys).toEqual([]);
  });
});

describe('the listeners of a signal', () => {
  it.each(['stored', 'too_large'])('are gone after an upload that is %s', async (code) => {
    const { files } = filesFor(code === 'stored' ? {} : { maxSize: 1 });
    const { signal } = new AbortController();
    expect(await codeOf(files.stage(Letter, 'file', 'text', { signal }))).toBe(code);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a failure of the clean-up', () => {
  const spoilt = () =>
    (async function* () {
      try {
        yield Buffer.alloc(10_000);
        yield Buffer.alloc(10_000);
      } finally {
        // eslint-disable-next-line no-unsafe-finally
        throw new Error('cannot close');
      }
    })();

  it('is a fault event, and does not replace the first error', async () => {
    const { files, ledger } = filesFor({ maxSize: 15_000 });
    const faults: unknown[] = [];
    files.on('fault', (error) => faults.push((error as Error).message));
    const execute = ledger.execute.bind(ledger);
    ledger.execute = (statement) => (statement.text().startsWith('UPDATE') ? down() : execute(statement));
    expect(await codeOf(files.stage(Letter, 'file', spoilt()))).toBe('too_large');
    expect(faults).toEqual(['down', 'cannot close']);
  });

  it('does not keep a stored file from its caller', async () => {
    const { files } = filesFor();
    const faults: unknown[] = [];
    files.on('fault', (error) => faults.push((error as Error).message));
    const stubborn = {
      name: 'x',
      open: async () => ({
        async *stream() {
          yield Buffer.from('kept');
        },
        close() {
          throw new Error('cannot close');
        },
      }),
    };
    expect(await (await files.stage(Letter, 'file', stubborn)).text()).toBe('kept');
    expect(faults).toEqual(['cannot close']);
  });
});

describe('an async iterable', () => {
  it('has ended its own clean-up when the upload is refused', async () => {
    const { files } = filesFor({ maxSize: 15_000 });
    let ended = false;
    const source = (async function* () {
      try {
        for (;;) yield Buffer.alloc(10_000);
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 20));
        ended = true;
      }
    })();
    expect([await codeOf(files.stage(Letter, 'file', source)), ended]).toEqual(['too_large', true]);
  });

  it('that has failed is not ended once more', async () => {
    const { files } = filesFor();
    let returned = 0;
    const failure = new Error('broken');
    const end = async () => ({ done: true as const, value: (returned += 1) });
    const source = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure), return: end }) };
    expect([await codeOf(files.stage(Letter, 'file', source)), returned]).toEqual([failure, 0]);
  });
});

describe('a temporary file that is gone before its upload ends', () => {
  const staged = async (instead: (file: string) => void) => {
    const { files } = filesFor();
    const faults: unknown[] = [];
    files.on('fault', (error) => faults.push((error as NodeJS.ErrnoException).code));
    const file = path.join(folder, 'gone.txt');
    await fsp.writeFile(file, 'text');
    const first = (async function* () {
      instead(file);
      yield 7 as never;
    })();
    const sources = [first, { path: file, temporary: true }];
    expect(await codeOf(files.stageAll(Letter, 'file', sources, { concurrency: 1 }))).toBe('invalid_value');
    return faults;
  };

  it('is no fault, but one that cannot be deleted is', async () => {
    expect(await staged((file) => rmSync(file))).toEqual([]);
    const faults = await staged((file) => {
      rmSync(file);
      mkdirSync(file);
    });
    expect(faults).toEqual([expect.stringMatching(/^(EISDIR|EPERM)$/)]);
  });
});

describe('an HTTP request that is staged', () => {
  it('stays open when it is refused, so that the server can answer', async () => {
    const { files } = filesFor({ maxSize: 10 });
    const server = createServer((request, response) => {
      void codeOf(files.stage(Letter, 'file', request)).then((code) => response.end(String(code)));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = await fetch(url, { method: 'PUT', body: Buffer.alloc(2_000_000) });
    expect(await answer.text()).toBe('too_large');
    server.closeAllConnections();
    server.close();
  });
});

describe('when the process has no descriptors left', () => {
  it('uploads fail, and the process goes on', async () => {
    const compiled = compile('test/support');
    await fsp.writeFile(path.join(folder, 'a.txt'), 'text');
    const script = `
      import { createReadStream } from 'node:fs';
      const { filesFor, Letter } = await import(${JSON.stringify(compiled.script('test/support/fields.ts'))});
      const { files } = filesFor({ extensions: ['.pdf'] });
      const { files: open } = filesFor();
      const file = ${JSON.stringify(path.join(folder, 'a.txt'))};
      await open.stage(Letter, 'file', { path: file });
      const count = async (many) => {
        const codes = await Promise.all(many.map((one) => one.then(() => 'stored', (error) => error.code)));
        return [...new Set(codes)].sort().join(' ');
      };
      const streams = () => Array.from({ length: 800 }, () => createReadStream(file));
      console.log(await count(streams().map((stream) => files.stage(Letter, 'file', stream))));
      console.log(await count([open.stageAll(Letter, 'file', streams(), { concurrency: 1 })]));
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(await count(Array.from({ length: 800 }, () => files.stage(Letter, 'file', { path: file }))));
      console.log(await count([open.stage(Letter, 'file', { path: file })]));`;
    const command = ['--input-type=module', '-e', script];
    // Node reads the modules of the script at the same time: with 80 descriptors a slow machine could not start it.
    const shell = spawnSync('bash', ['-c', 'ulimit -n 400; exec "$0" "$@"', process.execPath, ...command]);
    compiled.remove();
    expect(shell.stderr.toString()).toBe('');
    expect(shell.stdout.toString()).toBe('wrong_type\nEMFILE\nwrong_type\nstored\n');
  });
});

describe('a DiskStorage', () => {
  it('has no temporary files after uploads that were refused', async () => {
    const root = path.join(folder, 'root');
    const storage = Object.assign(new DiskStorage({ root, sync: false }), { volatile: true });
    const { files } = filesFor({ maxSize: 15_000 }, storage);
    for (const make of Object.values(closables)) {
      expect(await codeOf(files.stage(Letter, 'file', (await make(folder)).source))).toBe('too_large');
    }
    const { files: checked } = filesFor({ check: () => 'No.' }, storage);
    const { source } = await closables['a temporary file']!(folder);
    expect(await codeOf(checked.stage(Letter, 'file', source))).toBe('rejected');
    expect(readdirSync(path.join(root, '.filefield'))).toEqual([]);
  });
});
