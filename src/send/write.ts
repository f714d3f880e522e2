import type { ServerResponse } from 'node:http';
import { FileFieldError } from '../errors.js';
import type { FileBody } from '../file/body.js';
import type { PreparedResponse } from '../response/prepared-response.js';
import { BufferPool } from './buffer-pool.js';
import { breakOff, isGone, unsentBytes } from './connection.js';
import { isWrapped, Outlet } from './outlet.js';
import { writeHead } from './write-head.js';

/** Up to this size a file is read and sent in one piece: one read, one write, head and body together. */
const oneShotBytes = 64 * 1024;
const pool = new BufferPool(256 * 1024, 16, 32, 64 * 1024);

export interface WriteOptions {
  /**
   * Milliseconds without progress after which a client that stopped reading is let go; its file is closed. It may take
   * up to twice as long, and a client that takes a little now and then is never let go.
   * @default 60_000
   */
  readonly idleTimeout?: number;
}

/** How a download ended. `aborted` is the client's doing and no fault. */
export type Outcome = 'complete' | 'aborted';

/**
 * Writes an answer to a Node response. Rejects before the head is sent if the bytes cannot be opened, so that the
 * framework can still answer an error. Once it is sent a failure destroys the connection: an ended response would look
 * complete, and the next answer would arrive inside this body. Never sends more or fewer bytes than the head promised.
 */
export async function writeResponse(
  response: ServerResponse,
  answer: PreparedResponse,
  { idleTimeout }: WriteOptions = {},
): Promise<Outcome> {
  try {
    if (isGone(response)) return 'aborted';
    if (response.headersSent) {
      throw new FileFieldError('invalid_option', 'Something else answered the request before the file was sent.');
    }
    if (!answer.open) {
      writeHead(response, answer);
      response.end();
      answer.hooks?.start?.({ status: answer.status, bytes: 0 });
      answer.hooks?.complete?.({ status: answer.status, bytes: 0 });
      return 'complete';
    }
    const body = await answer.open();
    try {
      if (isGone(response)) return 'aborted';
      return await tell(answer, (progress) => writeBody(response, answer, body, idleTimeout ?? 60_000, progress));
    } finally {
      body.close();
    }
  } finally {
    answer.close();
  }
}

/** Bytes of the body that the kernel has taken. */
interface Progress {
  bytes: number;
}

/** The hooks of a download: its start, then one end, whichever way it goes. */
async function tell(answer: PreparedResponse, write: (progress: Progress) => Promise<Outcome>): Promise<Outcome> {
  const { hooks, status } = answer;
  const progress = { bytes: 0 };
  hooks?.start?.({ status, bytes: 0 });
  try {
    const outcome = await write(progress);
    hooks?.[outcome === 'complete' ? 'complete' : 'abort']?.({ status, bytes: progress.bytes });
    return outcome;
  } catch (error) {
    hooks?.abort?.({ status, bytes: progress.bytes, error });
    throw error;
  }
}

async function writeBody(
  response: ServerResponse,
  answer: PreparedResponse,
  body: FileBody,
  idle: number,
  progress: Progress,
): Promise<Outcome> {
  const { size } = body;
  if (size === undefined || !body.read) return writeChunks(response, answer, body.stream(), size, idle, progress);
  if (size <= oneShotBytes) return writeWhole(response, answer, body, size, idle, progress);
  const chunks = readChunks(body, size, !isWrapped(response));
  return writeChunks(response, answer, chunks, size, idle, progress);
}

async function writeChunks(
  response: ServerResponse,
  answer: PreparedResponse,
  source: AsyncIterable<Uint8Array>,
  size: number | undefined,
  idle: number,
  progress: Progress,
): Promise<Outcome> {
  const chunks = source[Symbol.asyncIterator]();
  const outlet = new Outlet(response, idle);
  let pending: Promise<IteratorResult<Uint8Array>> | undefined;
  let begun = false;
  try {
    for (let left = size ?? Infinity; left > 0;) {
      pending = chunks.next();
      const next = await outlet.wait(pending);
      if (!next) {
        if (begun) outlet.break();
        return 'aborted';
      }
      pending = undefined;
      // The first chunk comes before the head: a storage that fails at once is a clean error.
      if (!begun) writeHead(response, answer);
      begun = true;
      if (next.done) break;
      const chunk = next.value;
      left -= chunk.byteLength;
      if (chunk.byteLength > 0 && !(await outlet.write(chunk))) {
        outlet.break();
        return 'aborted';
      }
      progress.bytes += chunk.byteLength;
    }
    outlet.release();
    response.end();
    return 'complete';
  } catch (error) {
    if (begun) outlet.break();
    throw error;
  } finally {
    outlet.release();
    // A source that is waited for answers only afterwards, if ever; closing the body will stop it.
    pending?.catch(() => undefined);
    const closed = chunks.return?.();
    if (pending) closed?.catch(() => undefined);
    else await closed;
  }
}

async function writeWhole(
  response: ServerResponse,
  answer: PreparedResponse,
  body: FileBody,
  size: number,
  idle: number,
  progress: Progress,
): Promise<Outcome> {
  const buffer = Buffer.allocUnsafe(size);
  for (let filled = 0; filled < size;) {
    filled += await body.read!(filled === 0 ? buffer : buffer.subarray(filled), filled);
  }
  if (isGone(response)) return 'aborted';
  writeHead(response, answer);
  response.end(buffer);
  progress.bytes = size;
  const { socket } = response;
  // Nearly always the kernel has it all by now.
  if (unsentBytes(response, socket) === 0) return 'complete';
  body.close();
  answer.close();
  return new Promise((resolve) => {
    const timer = setTimeout(() => breakOff(response, socket), idle);
    response.once('close', () => {
      clearTimeout(timer);
      if (!response.writableFinished) progress.bytes = Math.max(0, size - unsentBytes(response, socket));
      resolve(response.writableFinished ? 'complete' : 'aborted');
    });
  });
}

/** One pooled buffer serves the whole download: the next read waits until the last chunk has left for the kernel. */
async function* readChunks(
  body: FileBody,
  length: number,
  reuse: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer = pool.take();
  let clean = true;
  try {
    for (let position = 0; position < length;) {
      if (!reuse && position > 0) buffer = Buffer.allocUnsafe(buffer.byteLength);
      clean = false;
      const bytes = await body.read!(buffer.subarray(0, Math.min(buffer.byteLength, length - position)), position);
      position += bytes;
      yield buffer.subarray(0, bytes);
      clean = reuse;
    }
  } finally {
    // After an abort the socket may still hold a view of the buffer; then it must not serve anybody else.
    pool.give(buffer, clean);
  }
}
