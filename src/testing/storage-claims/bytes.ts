import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isFileFieldError, type FileFieldErrorCode } from '../../errors.js';
import { collect, type ByteRange } from '../../file/body.js';
import type { Storage } from '../../file/storage.js';

/** What the claims are written in. */
export type Claims = Readonly<Record<string, (storage: Storage) => Promise<void>>>;

/** A key that nobody else has. */
export function freshKey(name = 'object'): string {
  return `contract/${randomUUID()}/${name}`;
}

/** Bytes that differ at every position, as far as bytes can. */
export function someBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let index = 0; index < size; index += 1) bytes[index] = (index * 31 + (index >> 8)) % 251;
  return bytes;
}

/** A body out of chunks of the given size. */
export async function* chunked(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = 0; position < bytes.byteLength; position += size) yield bytes.subarray(position, position + size);
}

/** Reads an object or a range of it as a stream. */
export async function readAll(storage: Storage, key: string, range?: ByteRange): Promise<Buffer> {
  return collect(await storage.read(key, range));
}

/** Fails unless the promise rejects with an error of this library that has the code. */
export async function rejectsWith(code: FileFieldErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isFileFieldError(error, code), `expected a FileFieldError "${code}", got ${describe(error)}`);
    return true;
  });
}

/** Fails unless the bytes are the same; quick, where a comparison that prints differences is not. */
export function assertBytes(actual: Buffer, expected: Uint8Array, what = 'the bytes'): void {
  assert.equal(actual.byteLength, expected.byteLength, `${what} are ${actual.byteLength}, not ${expected.byteLength}`);
  assert.ok(actual.equals(expected), `${what} are others than were written`);
}

/** Fails if anything is kept under the key. */
export async function assertAbsent(storage: Storage, key: string): Promise<void> {
  assert.equal(await storage.stat(key), null, 'something is kept under the key');
  await rejectsWith('not_found', storage.read(key));
}

function describe(error: unknown): string {
  return isFileFieldError(error) ? `"${error.code}"` : String(error);
}
