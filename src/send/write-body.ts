import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { FileBody } from '../file/body.js';
import type { HookCaller } from '../response/hooks.js';
import { isPromise } from '../file/promise.js';
import { BufferPool } from '../file/buffer-pool.js';
import { isGone, unsentBytes } from './client-connection.js';
import { isWrapped, Outlet } from './outlet.js';

/** How a download ended. `aborted`: the client disconnected or stalled, which is not an error. */
export type Outcome = 'complete' | 'aborted';

/** Up to this size a file is read and written in one piece, together with the head. */
export const oneShotBytes = 64 * 1024;
const pool = new BufferPool({ bufferBytes: 256 * 1024, crowd: 32, smallBytes: 64 * 1024, keepSmall: 64 });
const ignore = () => undefined;

/** A body on its way to the client. */
export interface Transfer {
  readonly response: ServerResponse;
  /** From `PreparedResponse.open`: if it has a size, it yields exactly that many bytes. */
  readonly body: FileBody;
  /** Milliseconds. */
  readonly idleTimeout: number;
  readonly hooks: HookCaller;
  /**
   * Sends the head; called when the first bytes have been read. Returns where to write them: the response, or a stream that
   * something else sends in another form; undefined if nobody wants them any more, or if something else sends the given
   * bytes.
   */
  readonly begin: (whole?: Buffer) => Writable | undefined | Promise<Writable | undefined>;
  /** Closes the file. Safe to call twice. */
  readonly close: () => void;
}

/** Sends a body. Rejects with the error of the source; if the head was sent by then, the connection is broken. */
export function writeBody(transfer: Transfer): Promise<Outcome> {
  const { body } = transfer;
  const { size } = body;
  if (size === undefined || !body.read) return new ChunkWriter(transfer, () => body.stream()).run();
  if (size <= oneShotBytes) return writeWhole(transfer, size);
  return new ChunkWriter(transfer, (reusable) => readChunks(body, size, reusable)).run();
}

async function writeWhole(
  { response, body, idleTimeout, hooks, begin, close }: Transfer,
  size: number,
): Promise<Outcome> {
  const buffer = await readWhole(body, size);
  close();
  if (isGone(response)) return 'aborted';
  const begun = begin(buffer);
  const target = isPromise(begun) ? await begun : begun;
  if (!target || isGone(response)) return 'aborted';
  target.end(buffer);
  hooks.bytes = size;
  // Usually the kernel has accepted all bytes by now.
  const left = target === response ? unsentBytes(response) : size;
  if (left === 0) return 'complete';
  const outlet = new Outlet(response, idleTimeout);
  const sent = await outlet.finish();
  outlet.release();
  // Node 26 forgets what a destroyed stream had not sent.
  if (!sent) hooks.bytes = Math.max(0, size - (outlet.unsent || left));
  return sent ? 'complete' : 'aborted';
}

/** All bytes of a body that has `read`, in one piece. */
export async function readWhole(body: FileBody, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  for (let filled = 0; filled < size;) {
    filled += await body.read!(filled === 0 ? buffer : buffer.subarray(filled), filled);
  }
  return buffer;
}

/** Sends chunks one at a time: the next is requested when the last has left. */
class ChunkWriter {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #outlet: Outlet;
  #pending: Promise<IteratorResult<Uint8Array>> | undefined;
  /** Set once the head has been sent. */
  #target: Writable | undefined;

  constructor(
    private readonly transfer: Transfer,
    source: (reusable: () => boolean) => AsyncIterable<Uint8Array>,
  ) {
    this.#chunks = source(() => this.#target === transfer.response && !isWrapped(transfer.response))[
      Symbol.asyncIterator
    ]();
    this.#outlet = new Outlet(transfer.response, transfer.idleTimeout);
  }

  async run(): Promise<Outcome> {
    let outcome: Outcome = 'aborted';
    try {
      outcome = await this.#send();
      if (outcome === 'aborted' && this.#target) this.#outlet.break();
      return outcome;
    } catch (error) {
      if (this.#target) this.#outlet.break();
      throw error;
    } finally {
      this.#outlet.release();
      await this.#endSource(outcome);
    }
  }

  async #send(): Promise<Outcome> {
    const { response, body, hooks, begin } = this.transfer;
    for (let left = body.size ?? Infinity; left > 0;) {
      this.#pending = this.#chunks.next();
      const next = await this.#outlet.wait(this.#pending);
      if (!next) return 'aborted';
      this.#pending = undefined;
      // The head follows the first chunk, so that a source that fails at once can be answered with an error.
      if (!this.#target) {
        const target = begin();
        this.#target = target instanceof Promise ? await this.#outlet.wait(target) : target;
        if (!this.#target) return 'aborted';
        this.#outlet.writeTo(this.#target);
      }
      if (next.done) break;
      left -= next.value.byteLength;
      if (next.value.byteLength > 0 && !(await this.#outlet.write(next.value))) return 'aborted';
      hooks.bytes += next.value.byteLength;
    }
    if (this.#target === response && !isWrapped(response)) {
      this.#outlet.release();
      response.end();
      return 'complete';
    }
    // Middleware that wraps the response, or another reader, may hold bytes back until the end.
    this.#target?.end();
    return (await this.#outlet.finish()) ? 'complete' : 'aborted';
  }

  async #endSource(outcome: Outcome): Promise<void> {
    this.#pending?.catch(ignore);
    // After the last chunk of a known size `next` lets the source end by itself, so that it can recycle its buffer.
    const finished = outcome === 'complete' && this.transfer.body.size !== undefined;
    const ended = finished ? this.#chunks.next() : this.#chunks.return?.();
    // A generator ends only after its pending chunk, which may never come; closing the body stops it.
    if (this.#pending) ended?.catch(ignore);
    else await ended;
  }
}

/**
 * Reads a body into a pooled buffer. The buffer is filled again where it is reusable once its chunk has been written; else
 * each chunk has a buffer of its own, because what wraps the response may keep chunks after it accepted them.
 */
async function* readChunks(
  body: FileBody,
  size: number,
  reusable: () => boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer = pool.take();
  let sent = true;
  try {
    for (let position = 0; position < size;) {
      if (position > 0 && !reusable()) buffer = Buffer.allocUnsafe(buffer.byteLength);
      sent = false;
      const bytes = await body.read!(buffer.subarray(0, Math.min(buffer.byteLength, size - position)), position);
      position += bytes;
      yield buffer.subarray(0, bytes);
      sent = true;
    }
  } finally {
    // After an abort the socket may still refer to the buffer, so no other download may use it.
    if (sent && reusable()) pool.recycle(buffer);
    else pool.discard(buffer);
  }
}
