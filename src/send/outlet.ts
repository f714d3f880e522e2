import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { breakOff, isGone, keepsForEver, onFinish, setIdleTimeout, unsentBytes } from './client-connection.js';

/**
 * Writes chunks to a response one at a time. Reports when a chunk has left this process, and when the client has
 * disconnected or has read nothing for the idle timeout.
 */
export class Outlet {
  readonly #response: ServerResponse;
  #target: Writable;
  readonly #socket: ServerResponse['socket'];
  readonly #previousTimeout: number;
  #settle: ((sent: boolean) => void) | undefined;
  #writing = false;
  #unsentAtBreak: number | undefined;

  /** @param idleTimeout milliseconds */
  constructor(response: ServerResponse, idleTimeout: number) {
    this.#response = response;
    this.#target = response;
    this.#socket = response.socket;
    this.#previousTimeout = response.socket?.timeout ?? 0;
    response.on('close', this.#gone);
    response.on('timeout', this.#stalled);
    // The socket's own timer is reset by bytes that leave in the middle of a chunk; a timer of ours would not be.
    const previous = this.#previousTimeout;
    setIdleTimeout(response, previous > 0 ? Math.min(previous, idleTimeout) : idleTimeout);
  }

  /** False once the client has disconnected or the response has ended. */
  get open(): boolean {
    return !isGone(this.#response) && !this.#response.writableEnded;
  }

  /** Writes to a stream that something else reads, and sends to the response in another form. */
  writeTo(target: Writable): void {
    this.#target = target;
  }

  /** Bytes that were written and had not left this process when the connection was broken, or have not by now. */
  get unsent(): number {
    return this.#unsentAtBreak ?? unsentBytes(this.#response, this.#socket);
  }

  /** Resolves to true when the chunk has left and its memory may be reused, to false if it cannot be sent. */
  write(chunk: Uint8Array): Promise<boolean> {
    const response = this.#response;
    if (!this.open) return Promise.resolve(false);
    return this.#untilGone<boolean>(false, (resolve) => {
      this.#writing = true;
      const target = this.#target;
      // Node reports no error for the write that was under way when the connection was destroyed.
      if (!isWrapped(response)) target.write(chunk, (error) => resolve(!error && this.#intact));
      // Compressing middleware calls no callbacks; it only emits "drain".
      else if (target.write(chunk)) resolve(true);
      else target.once('drain', () => resolve(true));
    }).finally(() => (this.#writing = false));
  }

  /** Resolves once all bytes of the ended response have left this process, to false if they cannot. */
  finish(): Promise<boolean> {
    if (isGone(this.#response)) return Promise.resolve(false);
    return this.#untilGone<boolean>(false, (resolve) => {
      this.#writing = true;
      onFinish(this.#response, () => resolve(this.#intact));
    });
  }

  /** Resolves to the value of the promise, or to undefined as soon as the client has disconnected. */
  wait<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    if (!this.open) {
      promise.catch(() => undefined);
      return Promise.resolve(undefined);
    }
    return this.#untilGone<Value | undefined>(undefined, (resolve, reject) => void promise.then(resolve, reject));
  }

  /** Breaks the connection, because the promised bytes cannot be sent. */
  break(): void {
    this.#unsentAtBreak ??= this.unsent;
    breakOff(this.#response, this.#socket);
  }

  /**
   * Restores the timeout of the connection. Call it before `end`, which sets the keep-alive timeout; after `finish` it restores
   * what a server without one has left.
   */
  release(): void {
    this.#response.off('close', this.#gone);
    this.#response.off('timeout', this.#stalled);
    if (this.open) setIdleTimeout(this.#response, this.#previousTimeout);
    else if (this.#socket && keepsForEver(this.#socket)) this.#socket.setTimeout(this.#previousTimeout);
  }

  get #intact(): boolean {
    return this.#unsentAtBreak === undefined && !isGone(this.#response) && !this.#socket?.destroyed;
  }

  #untilGone<Value>(
    fallback: Value,
    start: (resolve: (value: Value) => void, reject: (error: unknown) => void) => void,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#settle = () => resolve(fallback);
      start(resolve, reject);
    }).finally(() => (this.#settle = undefined));
  }

  readonly #gone = () => this.#settle?.(false);
  readonly #stalled = () => {
    // While a chunk is being read, the storage is slow and not the client.
    if (this.#writing) this.break();
  };
}

/** True if middleware replaced `write` of a response: callbacks may then never be called, and chunks may be kept. */
export function isWrapped(response: ServerResponse): boolean {
  return Object.hasOwn(response, 'write');
}
