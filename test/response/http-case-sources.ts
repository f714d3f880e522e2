import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  downloadView,
  httpView as httpDownloadView,
  localFile,
  objectView as objectDownloadView,
  pathView as pathDownloadView,
  storageView as storageDownloadView,
  StorageRegistry,
  StoredFile,
  virtualView as virtualDownloadView,
  virtualFile,
  type ByteRange,
  type DownloadHandler,
  type FileSource,
  type ObjectFinder,
} from 'filefield';
import { toNode } from 'filefield/node';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { serve, type RunningServer } from '../adapters/server.js';
import { bytesOf, type CaseFile } from '../cases/http-case.js';

type View = DownloadHandler<unknown>;

/** A kind of source, and what of the cases' files it can be. */
export interface SourceKind {
  /** It can be without a time or a tag. */
  readonly timeless?: true;
  /** It can be 5 GiB of nothing. */
  readonly sparse?: true;
  /** It does not know its length. */
  readonly unmeasured?: true;
  /** It reads a range from the first byte on, so it does not answer several ranges. */
  readonly fromStart?: true;
  readonly view: (file: CaseFile) => Promise<View> | View;
}

const folder = mkdtempSync(path.join(tmpdir(), 'http-cases-'));
const target = path.join(folder, 'file.bin');
const disk = new DiskStorage({ root: folder });
let upstream: RunningServer;
let behind: View;

beforeAll(async () => {
  upstream = await serve((request, response) => void toNode(behind)(request, response));
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** Every kind of source and view that a case can be run against. */
export const sourceKinds: Readonly<Record<string, SourceKind>> = {
  disk: {
    timeless: true,
    sparse: true,
    view(file) {
      write(file);
      return of(file.missing ? localFile(target) : withValidators(localFile(target), file));
    },
  },
  memory: {
    timeless: true,
    view: (file) =>
      of(file.missing ? null : withValidators(virtualFile({ name: 'file.bin', content: bytesOf(file) }), file)),
  },
  'an object': { view: objectView },
  'a storage on disk': {
    sparse: true,
    view(file) {
      write(file);
      return storageDownloadView(disk, { name: 'file.bin', ...options(file) });
    },
  },
  'a storage that can only stream': {
    async view(file) {
      const storage = new MemoryStorage();
      if (!file.missing) await storage.write('file.bin', Readable.from([bytesOf(file)]));
      const read = async (key: string, range?: ByteRange) => {
        const { info, stream, close } = await storage.read(key, range);
        return { info, stream, close };
      };
      const streaming = { read, stat: storage.stat.bind(storage) };
      return storageDownloadView(Object.assign(Object.create(storage) as MemoryStorage, streaming), {
        name: 'file.bin',
        ...options(file),
      });
    },
  },
  'a path': {
    sparse: true,
    view(file) {
      write(file);
      return pathDownloadView({ root: folder, path: 'file.bin', ...options(file) });
    },
  },
  'a stream of known length': { fromStart: true, view: (file) => streamView(file, bytesOf(file).byteLength) },
  'a stream without length': { unmeasured: true, view: (file) => streamView(file) },
  'another server': {
    timeless: true,
    sparse: true,
    view(file) {
      write(file);
      behind = of(file.missing ? localFile(target) : withValidators(localFile(target), file));
      return httpDownloadView({ url: `http://127.0.0.1:${upstream.port}/file.bin`, allowPrivate: true });
    },
  },
};

function of(file: FileSource | null): View {
  return downloadView(async () => ({ subject: null, file: () => file }));
}

function options({ mtime, etag }: CaseFile) {
  return { modified: mtime ? new Date(mtime) : undefined, etag: etag ?? undefined };
}

function write(file: CaseFile): void {
  rmSync(target, { force: true });
  if (file.missing) return;
  writeFileSync(target, file.sparse ? '' : bytesOf(file));
  if (file.sparse) truncateSync(target, file.size);
  const mtime = new Date(file.mtime ?? 0);
  utimesSync(target, mtime, mtime);
}

function withValidators(source: FileSource, file: CaseFile): FileSource {
  const validators = options(file);
  const load = source.load && (async () => ({ ...(await source.load!()), ...validators }));
  return { ...source, ...validators, ...(load && { load }) };
}

function streamView(file: CaseFile, size?: number): View {
  const content = function* () {
    const bytes = bytesOf(file);
    for (let at = 0; at < bytes.byteLength; at += 7) yield bytes.subarray(at, at + 7);
  };
  return virtualDownloadView(() => (file.missing ? null : { name: 'file.bin', size, content }), options(file));
}

async function objectView(file: CaseFile): Promise<View> {
  const storage = new MemoryStorage();
  const bytes = bytesOf(file);
  if (!file.missing) await storage.write('key', Readable.from([bytes]));
  const stored = StoredFile.of(
    {
      v: 1,
      id: '1',
      storage: 'only',
      key: 'key',
      name: 'file.bin',
      size: bytes.byteLength,
      type: 'application/octet-stream',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      modified: '2024-05-06T07:08:09.000Z',
    },
    { storages: new StorageRegistry({ only: storage }) },
  );
  const finder: ObjectFinder = {
    findObject: async <Entity>() => (file.missing ? null : ({ file: stored } as Entity)),
    columnKind: () => 'text',
    primaryKey: () => 'id',
    checkFileField: () => undefined,
  };
  class Row {
    file!: StoredFile | null;
  }
  return objectDownloadView<Row>(finder, Row, { field: 'file', param: 'id', ...options(file) });
}
