import { isFileFieldError } from '../errors.js';

/** The state of a download when one of its hooks is called. */
export interface DownloadProgress {
  /** 200 or 206. */
  readonly status: number;
  /** Bytes of the body that have been sent so far; 0 at the start. */
  readonly bytes: number;
  /** Another server sends the bytes, so no further hook of this download is called. */
  readonly delegated?: true;
  /** Why the download was aborted; absent if the client disconnected or stalled. */
  readonly error?: unknown;
}

/**
 * Functions that an adapter calls during a download. `start` is called once the bytes are open, then exactly one of
 * `complete` and `abort`. For a delegated download only `start` is called; for HEAD, 304 and errors none. They must not
 * throw, and the download does not wait for them.
 */
export interface DownloadHooks {
  /** The bytes are open and are sent next. */
  readonly start?: (progress: DownloadProgress) => void;
  /** All promised bytes were sent. */
  readonly complete?: (progress: DownloadProgress) => void;
  /** The download ended early. */
  readonly abort?: (progress: DownloadProgress) => void;
  /** The file exists, but its bytes do not. */
  readonly missing?: (error: unknown) => void;
}

/** Calls the hooks of one download: `start`, then `complete` or `abort`, each at most once. */
export class HookCaller {
  /** Bytes of the body that have been sent so far. */
  bytes = 0;
  readonly #status: number;
  readonly #hooks: DownloadHooks | undefined;
  #ended = false;

  constructor({ status, hooks }: { readonly status: number; readonly hooks?: DownloadHooks }) {
    this.#status = status;
    this.#hooks = hooks;
  }

  start(): void {
    this.#hooks?.start?.({ status: this.#status, bytes: 0 });
  }

  complete(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hooks?.complete?.({ status: this.#status, bytes: this.bytes });
  }

  /** @param error absent if the client disconnected or stalled */
  abort(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hooks?.abort?.({ status: this.#status, bytes: this.bytes, ...(error !== undefined && { error }) });
  }
}

/** Awaits a promise; if it rejects because the bytes do not exist, calls the `missing` hook before it rejects. */
export async function reportMissing<Value>(
  promise: Value | Promise<Value>,
  hooks: DownloadHooks | undefined,
): Promise<Value> {
  try {
    return await promise;
  } catch (error) {
    if (isFileFieldError(error, 'missing') || isFileFieldError(error, 'not_found')) hooks?.missing?.(error);
    throw error;
  }
}
