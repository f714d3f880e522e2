import { getEventListeners } from 'node:events';
import { existsSync, promises as fsp, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isFileFieldError, type Files, type Storage, type UploadSource } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { filesFor, Letter, type RecordingConnection } from '../support/fields.js';

const never = () => new Promise<never>(() => undefined);

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'stored',
    (error: unknown) => (isFileFieldError(error) ? error.code : error),
  );
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<boolean> {
  for (const end = Date.now() + 10_000; Date.now() < end && !condition();) await turn();
  return condition();
}

/** A source of 10,000 bytes, and whether it was released. */
function watched() {
  const state = { released: false };
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(Buffer.alloc(10_000)),
    cancel: () => void (state.released = true),
  });
  return { state, source };
}

const finite = () => 'text';

interface Moment {
  readonly files: Files;
  readonly ledger: RecordingConnection;
  /** Resolves when the upload has got there. */
  readonly reached: Promise<void>;
  readonly source?: () => UploadSource;
}

function moment(): { reached: Promise<void>; reach: () => Promise<never> } {
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  return {
    reached,
    reach() {
      reach();
      return never();
    },
  };
}

const ignoring = (write: Storage['write']) => Object.assign(new MemoryStorage(), { write });

/** Uploads that do not go on by themselves. */
const moments: Readonly<Record<string, () => Moment>> = {
  'while the first bytes are awaited': () => {
    const { reached, reach } = moment();
    return { ...filesFor(), reached, source: () => new ReadableStream({ pull: reach }) };
  },
  'while later bytes are awaited'() {
    const { reached, reach } = moment();
    let chunks = 0;
    const pull = (controller: ReadableStreamDefaultController) =>
      chunks++ === 0 ? controller.enqueue(Buffer.alloc(5000)) : reach();
    return { ...filesFor(), reached, source: () => new ReadableStream({ pull }) };
  },
  'while a storage that knows no signals writes'() {
    const { reached, reach } = moment();
    return { ...filesFor({}, ignoring(reach)), reached };
  },
  'while the marker of the storage is awaited'() {
    const { reached, reach } = moment();
    const made = filesFor();
    Object.assign(made.files.ledger, { fence: { enter: reach } });
    return { ...made, reached };
  },
  'while the intent is recorded'() {
    const { reached, reach } = moment();
    const made = filesFor();
    made.ledger.execute = reach;
    return { ...made, reached };
  },
  'while the check of the field runs'() {
    const { reached, reach } = moment();
    return { ...filesFor({ check: reach }), reached, source: finite };
  },
};

describe('a signal that aborts', () => {
  it.each(Object.entries(moments))('%s rejects at once and releases the source', async (_when, make) => {
    const { files, reached, source } = make();
    const abort = new AbortController();
    const { state, source: endless } = watched();
    const given = source ? source() : endless;
    const stage = codeOf(files.stage(Letter, 'file', given, { signal: abort.signal }));
    await reached;
    abort.abort();
    expect(await stage).toBe('aborted');
    if (!source) expect(await until(() => state.released)).toBe(true);
    expect(await until(() => getEventListeners(abort.signal, 'abort').length === 0)).toBe(true);
  });

  it('before the upload reads nothing, and releases the source', async () => {
    const { files, ledger } = filesFor();
    let opened = 0;
    const state = { closed: false };
    const source = {
      name: 'x',
      open: async () => {
        opened += 1;
        throw new Error('opened');
      },
      close: () => void (state.closed = true),
    };
    const stage = files.stage(Letter, 'file', source, { signal: AbortSignal.abort() });
    expect([await codeOf(stage), opened, state.closed]).toEqual(['aborted', 0, true]);
    expect(ledger.statements).toEqual([]);
  });

  it('during the check gives the file up, and is given to the check', async () => {
    const { reached, reach } = moment();
    const signals: unknown[] = [];
    const check = (_upload: unknown, signal?: AbortSignal) => {
      signals.push(signal);
      return reach();
    };
    const { files, ledger } = filesFor({ check });
    const stored: unknown[] = [];
    files.on('stored', (file) => stored.push(file));
    const abort = new AbortController();
    const stage = codeOf(files.stage(Letter, 'file', 'text', { signal: abort.signal }));
    await reached;
    abort.abort();
    expect(await stage).toBe('aborted');
    expect(signals).toEqual([abort.signal]);
    expect(await until(() => /SET lease_until = 0/.test(ledger.statements.at(-1) ?? ''))).toBe(true);
    expect(stored).toEqual([]);
  });

  it('while a storage writes on keeps the lease until the write has ended, and gives the file up then', async () => {
    let finish: () => void = () => undefined;
    let began: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => (began = resolve));
    const held = new Promise<void>((resolve) => (finish = resolve));
    const storage = ignoring(async (_key, body) => {
      let size = 0;
      for await (const chunk of body) size += chunk.byteLength;
      began();
      await held;
      return { size };
    });
    const { files, ledger } = filesFor({}, storage);
    const abort = new AbortController();
    const stage = codeOf(files.stage(Letter, 'file', 'text', { signal: abort.signal }));
    await reached;
    abort.abort();
    expect(await stage).toBe('aborted');
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect(ledger.statements.filter((sql) => sql.includes('lease_until = 0'))).toEqual([]);
    finish();
    expect(await until(() => /SET lease_until = 0/.test(ledger.statements.at(-1) ?? ''))).toBe(true);
  });

  it('after the file was stored still gives it up', async () => {
    const { files, ledger } = filesFor();
    const abort = new AbortController();
    files.on('stored', () => abort.abort());
    expect(await codeOf(files.stage(Letter, 'file', 'text', { signal: abort.signal }))).toBe('aborted');
    expect(await until(() => /SET lease_until = 0/.test(ledger.statements.at(-1) ?? ''))).toBe(true);
  });

  it('leaves nothing on the disk', async () => {
    const folder = await fsp.mkdtemp(path.join(tmpdir(), 'filefield-'));
    const file = path.join(folder, 'big.bin');
    await fsp.writeFile(file, Buffer.alloc(5_000_000));
    const storage = Object.assign(new DiskStorage({ root: path.join(folder, 'root') }), { volatile: true });
    const { files } = filesFor({}, storage);
    const abort = new AbortController();
    files.on('intended', () => abort.abort());
    expect(await codeOf(files.stage(Letter, 'file', { path: file }, { signal: abort.signal }))).toBe('aborted');
    const unfinished = path.join(folder, 'root/.filefield');
    const isEmpty = () => !existsSync(unfinished) || readdirSync(unfinished).length === 0;
    // The write goes on in the background until it sees the signal: at first there may be nothing yet.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await until(() => descriptorsBelow(folder) === 0 && isEmpty())).toBe(true);
    await fsp.rm(folder, { recursive: true, maxRetries: 10 });
  });

  it('ends stageAll at once, and releases the sources that wait', async () => {
    const { files } = filesFor();
    const abort = new AbortController();
    const stalled = new ReadableStream<Uint8Array>({ pull: never });
    const { state, source } = watched();
    const stage = codeOf(files.stageAll(Letter, 'file', [stalled, source], { concurrency: 1, signal: abort.signal }));
    await turn();
    abort.abort();
    expect(await stage).toBe('aborted');
    expect(state.released).toBe(true);
  });
});
