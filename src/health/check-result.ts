import { FileFieldError } from '../errors.js';

/** The result of one link: a step of a check. */
export interface LinkResult {
  /** A name that does not change between versions, such as `write`. */
  readonly link: string;
  /** True if the link works. */
  readonly ok: boolean;
  /** How long it took, in whole milliseconds. */
  readonly milliseconds: number;
  /**
   * Why it failed: an error with the code `unhealthy` and a sentence that says what to do. The sentence contains no path,
   * key or URL. The `cause` may contain them and is for the log of this process.
   */
  readonly error?: FileFieldError;
}

/** The result of a check. */
export interface CheckResult {
  /** True if all links work. */
  readonly ok: boolean;
  /** The links in order, up to and including the first that failed. */
  readonly links: readonly LinkResult[];
  /** What the check could not look at, one phrase each, such as `path: the storage has no folder on this machine`. */
  readonly notChecked?: readonly string[];
  /** Present if the check was aborted: resolves once it has deleted what it wrote. */
  readonly cleared?: Promise<void>;
}

/** How a check runs. */
export interface CheckRun {
  /** Aborts the check. It then resolves at once, and the link that was running has failed. */
  readonly signal?: AbortSignal;
}

/** A check of one thing that can fail. Make one with `storageCheck`, `viewCheck`, `deliveryCheck` or `healthCheck`. */
export interface Check {
  /** Runs the check; it may run several times at once. Never rejects. */
  run(options?: CheckRun): Promise<CheckResult>;
}

/** The error of a failed link. `details` may show the sentence to operators, so it contains no path, key or URL. */
export function unhealthy(sentence: string, cause?: unknown): FileFieldError {
  return new FileFieldError('unhealthy', sentence, { cause });
}

/** The sentence of a link or a check that did not finish before it was aborted. */
export const tookTooLong = 'It did not finish in time.';

/** Settles as the promise does, but resolves to `otherwise` as soon as the signal aborts; the promise is then ignored. */
export function untilAborted<Value, Otherwise>(
  promise: Promise<Value>,
  signal: AbortSignal,
  otherwise: Otherwise,
): Promise<Value | Otherwise> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(otherwise);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
