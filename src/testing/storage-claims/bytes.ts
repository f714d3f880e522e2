import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isFileFieldError, type FileFieldErrorCode } from '../../errors.js';
import { collect, type ByteRange } from '../../file/body.js';
import type { Storage } from '../../file/storage.js';

/** What the caller of the contract says about the storage. */
export interface ContractSettings {
  /** Bytes of a large object. */
  readonly large: number;
  /** The number of sockets, files and the like that the storage holds. */
  readonly held?: (() => number) | undefined;
  /** Bytes of objects that were read from the storage so far. */
  readonly bytesRead?: (() => number) | undefined;
}

/** Claims by title. Each gets a storage and rejects if the storage breaks the claim. */
export type Claims = Readonly<Record<string, (storage: Storage, settings: ContractSettings) => Promise<void>>>;

/** A key that no other claim uses. */
export function freshKey(name = 'object'): string {
  return `contract/${randomUUID()}/${name}`;
}

// It repeats after 64,256 bytes, which divides no usual size of a part.
const pattern = Buffer.from(Array.from({ length: 251 * 256 }, (_byte, index) => (index * 31 + (index >> 8)) % 251));

/** Bytes with a pattern that repeats late, so that a wrong position yields other bytes. */
export function someBytes(size: number): Buffer {
  return Buffer.alloc(size, pattern);
}

/** A body in chunks of the given size. */
export async function* chunked(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = 0; position < bytes.byteLength; position += size) yield bytes.subarray(position, position + size);
}

/** A body in chunks of sizes that divide nothing, from one byte to more than most buffers hold. */
export async function* oddlyChunked(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const sizes = [1, 65_536, 99_991, 0, 7, 1_000_003];
  for (let position = 0, count = 0; position < bytes.byteLength; count += 1) {
    const size = sizes[count % sizes.length]!;
    yield bytes.subarray(position, position + size);
    position += size;
  }
}

/** All bytes of an object or of a range, from its stream. */
export async function readAll(storage: Storage, key: string, range?: ByteRange): Promise<Buffer> {
  return collect(await storage.read(key, range));
}

/** Fails unless the promise rejects with a `FileFieldError` of this code. */
export async function rejectsWith(code: FileFieldErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isFileFieldError(error, code), `expected a FileFieldError "${code}", got ${shown(error)}`);
    return true;
  });
}

/** Fails unless the bytes are equal. Faster than `deepEqual`, which prints differences. */
export function assertBytes(actual: Buffer, expected: Uint8Array): void {
  assert.equal(actual.byteLength, expected.byteLength, `read ${actual.byteLength} bytes, not ${expected.byteLength}`);
  assert.ok(actual.equals(expected), 'the bytes that were read differ from those that were written');
}

/** Fails if there is an object under the key. */
export async function assertAbsent(storage: Storage, key: string): Promise<void> {
  assert.equal(await storage.stat(key), null, 'there is an object under the key');
  await rejectsWith('not_found', storage.read(key));
}

/** The keys after the given one, up to the end of the folder: the storage may have many other objects. */
export async function listed(storage: Storage, after: string, folder: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list!({ after })) {
    if (!key.startsWith(folder)) break;
    keys.push(key);
  }
  return keys;
}

function shown(error: unknown): string {
  return isFileFieldError(error) ? `"${error.code}"` : String(error);
}
