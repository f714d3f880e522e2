import { FileFieldError } from '../errors.js';
import { abortable } from '../file/abortable.js';
import { collect, whole, type ReadAt } from '../file/body.js';
import type { FileDescriptor } from '../file/descriptor.js';
import type { ObjectInfo, Storage } from '../file/storage.js';
import { Measured } from './measure.js';
import { readHead } from './types/head.js';
import { recogniseType } from './types/recognise.js';
import { withCharset } from './types/text.js';

/** What an object tells of itself. */
export type ObjectFacts = Pick<FileDescriptor, 'size' | 'type' | 'sha256' | 'crc32' | 'modified'>;

/** How an object is examined. */
export interface ExamineOptions {
  /** Its file name, which chooses between kinds of text. */
  readonly name: string;
  /** Whether all bytes are read. */
  readonly hash: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes that tell the type of an object, at most. */
const headRange = 256 * 1024;

/** Reads an object that this library has not written: all of it, or only its beginning. Rejects with `not_found`. */
export async function examine(storage: Storage, key: string, options: ExamineOptions): Promise<ObjectFacts> {
  return options.hash ? examineAll(storage, key, options) : examineHead(storage, key, options);
}

async function examineAll(storage: Storage, key: string, { name, signal }: ExamineOptions): Promise<ObjectFacts> {
  const body = await storage.read(key);
  try {
    const { size } = body.info;
    const measured = new Measured();
    const rest = abortable(whole(body.stream(), size), signal)[Symbol.asyncIterator]();
    const { head, chunks } = await readHead(rest);
    const found = await recogniseType({ head, name, size, readAt: reader(storage, key, size) });
    for await (const chunk of measured.body(chunks, rest, () => undefined)) void chunk;
    const { sha256, crc32, isUtf8 } = measured;
    const type = isUtf8 ? found : withCharset(found, 'unknown-8bit');
    return { size, type, sha256, crc32, modified: timeOf(body.info) };
  } finally {
    body.close();
  }
}

async function examineHead(storage: Storage, key: string, { name, signal }: ExamineOptions): Promise<ObjectFacts> {
  const info = await storage.stat(key);
  if (!info) throw new FileFieldError('not_found', 'The storage has no such object.', { key });
  const { size } = info;
  const facts = (type: string) => ({ size, type, modified: timeOf(info) });
  if (size === 0) return facts(await recogniseType({ head: Buffer.alloc(0), name, size }));
  const body = await storage.read(key, { start: 0, end: Math.min(size, headRange) - 1 });
  try {
    const chunks = abortable(body.stream(), signal)[Symbol.asyncIterator]();
    const { head } = await readHead(chunks);
    await chunks.return?.();
    return facts(await recogniseType({ head, name, size, readAt: reader(storage, key, size) }));
  } finally {
    body.close();
  }
}

/** Reads ranges: the directory of a zip archive is at its end. */
function reader(storage: Storage, key: string, size: number): ReadAt {
  return async (buffer, position) => {
    if (position >= size) return 0;
    const end = Math.min(size, position + buffer.byteLength) - 1;
    const bytes = await collect(await storage.read(key, { start: position, end }));
    buffer.set(bytes);
    return bytes.byteLength;
  };
}

function timeOf({ modified }: ObjectInfo): string {
  return (modified ?? new Date()).toISOString();
}
