import type { ServerResponse } from 'node:http';
import { FileFieldError } from '../errors.js';
import type { FileBody } from '../file.js';
import type { Answer } from '../response/respond.js';
import { BufferPool } from './buffer-pool.js';

/** Up to this size a file is read and sent in one piece: one read, one write, head and body together. */
const oneShotBytes = 64 * 1024;
const pool = new BufferPool(256 * 1024, 16);

export interface WriteOptions {
  /**
   * Milliseconds without progress after which a client that stopped reading is let go; its file is closed.
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
export async function writeAnswer(
  response: ServerResponse,
  answer: Answer,
  options: WriteOptions = {},
): Promise<Outcome> {
  try {
    if (!answer.open) {
      writeHead(response, answer);
      response.end();
      return 'complete';
    }
    const body = await answer.open();
    try {
      return await writeBody(response, answer, body, options.idleTimeout ?? 60_000);
    } finally {
      body.close();
    }
  } finally {
    answer.close();
  }
}

async function writeBody(response: ServerResponse, answer: Answer, body: FileBody, idle: number): Promise<Outcome> {
  if (response.destroyed) return 'aborted';
  if (body.size !== undefined && body.size <= oneShotBytes && body.read)
    return writeWhole(response, answer, body, body.size);
  // The first chunk comes before the head: a storage that fails at once is a clean error.
  const chunks = (body.size !== undefined && body.read ? pooledChunks(body, body.size) : body.stream())[
    Symbol.asyncIterator
  ]();
  try {
    let next = await chunks.next();
    if (response.destroyed) return 'aborted';
    writeHead(response, answer);
    let left = body.size ?? Infinity;
    for (; !next.done; next = await chunks.next()) {
      // A source that grew meanwhile: the head's promise stands.
      const chunk = next.value.byteLength > left ? next.value.subarray(0, left) : next.value;
      left -= chunk.byteLength;
      if (chunk.byteLength > 0 && !(await write(response, chunk, idle))) return 'aborted';
      if (chunk !== next.value) break;
    }
    if (left > 0 && left !== Infinity) throw new FileFieldError('incomplete', `A file ended ${left} bytes early.`);
    response.end();
    return 'complete';
  } catch (error) {
    if (response.headersSent) response.destroy();
    throw error;
  } finally {
    await chunks.return?.();
  }
}

async function writeWhole(response: ServerResponse, answer: Answer, body: FileBody, size: number): Promise<Outcome> {
  const buffer = Buffer.allocUnsafe(size);
  for (let filled = 0; filled < size;) {
    const bytes = await body.read!(filled === 0 ? buffer : buffer.subarray(filled), filled);
    if (bytes === 0) throw new FileFieldError('incomplete', `A file ended ${size - filled} bytes early.`);
    filled += bytes;
  }
  if (response.destroyed) return 'aborted';
  writeHead(response, answer);
  response.end(buffer);
  return 'complete';
}

/** One pooled buffer serves the whole download: the next read waits until the last chunk has left for the kernel. */
async function* pooledChunks(body: FileBody, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = pool.take();
  let clean = false;
  try {
    for (let position = 0; position < size;) {
      const bytes = await body.read!(buffer.subarray(0, Math.min(buffer.byteLength, size - position)), position);
      if (bytes === 0) break;
      position += bytes;
      clean = false;
      yield buffer.subarray(0, bytes);
      clean = true;
    }
  } finally {
    // After an abort the socket may still hold a view of the buffer; then it must not serve anybody else.
    if (clean) pool.give(buffer);
  }
}

/** Resolves to true when the chunk has been taken, to false when the client is gone or stopped reading. */
function write(response: ServerResponse, chunk: Uint8Array, idle: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false);
    const done = (sent: boolean) => {
      clearTimeout(timer);
      response.off('close', gone);
      resolve(sent);
    };
    const gone = () => done(false);
    const timer = setTimeout(() => {
      response.destroy();
      done(false);
    }, idle);
    response.once('close', gone);
    response.write(chunk, (error) => done(!error));
  });
}

function writeHead(response: ServerResponse, answer: Answer): void {
  const head: string[] = [];
  for (const name in answer.headers) head.push(name, answer.headers[name]!);
  // Headers that middleware set before survive: writeHead merges only in its object form or after setHeader.
  if (response.getHeaderNames().length === 0) response.writeHead(answer.status, head);
  else response.writeHead(answer.status, answer.headers);
}
