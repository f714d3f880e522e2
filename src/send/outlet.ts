import type { ServerResponse } from 'node:http';
import { breakOff, isGone } from './connection.js';

/**
 * The writing end of a response, for one chunk at a time: tells when a chunk has left, and when nobody is there to take
 * it any more - the client went away, or took nothing for `idle` milliseconds.
 */
export class Outlet {
  readonly #response: ServerResponse;
  readonly #socket: ServerResponse['socket'];
  readonly #former: number;
  #settle: ((sent: boolean) => void) | undefined;
  #writing = false;

  constructor(response: ServerResponse, idle: number) {
    this.#response = response;
    this.#socket = response.socket;
    this.#former = response.socket?.timeout ?? 0;
    response.on('close', this.#gone);
    response.on('timeout', this.#stalled);
    // The socket's own timer knows of bytes that left while a chunk is under way; a timer of ours would not.
    response.setTimeout(this.#former > 0 ? Math.min(this.#former, idle) : idle);
  }

  /** False once writing makes no sense. */
  get open(): boolean {
    return !isGone(this.#response) && !this.#response.writableEnded;
  }

  /** Resolves to true when the chunk has left and its memory may be used again, to false when it never will. */
  write(chunk: Uint8Array): Promise<boolean> {
    const response = this.#response;
    if (!this.open) return Promise.resolve(false);
    return this.#untilGone<boolean>(false, (resolve) => {
      this.#writing = true;
      if (!isWrapped(response)) response.write(chunk, (error) => resolve(!error));
      // Compressing middleware and its like know no callbacks, only "drain".
      else if (response.write(chunk)) resolve(true);
      else response.once('drain', () => resolve(true));
    }).finally(() => (this.#writing = false));
  }

  /** What the promise resolves to, or undefined as soon as the client is gone. */
  wait<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    if (!this.open) {
      promise.catch(() => undefined);
      return Promise.resolve(undefined);
    }
    return this.#untilGone<Value | undefined>(undefined, (resolve, reject) => void promise.then(resolve, reject));
  }

  /** What was promised will not come. */
  break(): void {
    breakOff(this.#response, this.#socket);
  }

  /** Leaves the connection as it was found. To be called before `end`, which sets the time-out of idle connections. */
  release(): void {
    this.#response.off('close', this.#gone);
    this.#response.off('timeout', this.#stalled);
    if (this.open) this.#response.setTimeout(this.#former);
  }

  #untilGone<Value>(
    otherwise: Value,
    start: (resolve: (value: Value) => void, reject: (error: unknown) => void) => void,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.#settle = () => resolve(otherwise);
      start(resolve, reject);
    }).finally(() => (this.#settle = undefined));
  }

  readonly #gone = () => this.#settle?.(false);
  readonly #stalled = () => {
    // A storage that takes its time is no fault of the client.
    if (this.#writing) this.break();
  };
}

/** Whether middleware put a `write` of its own in front: then callbacks may never come, and buffers may be held. */
export function isWrapped(response: ServerResponse): boolean {
  return Object.hasOwn(response, 'write');
}
