import type { FileFieldError } from '../errors.js';

/** One link of the chain that a check walks along. */
export interface LinkResult {
  /** A stable name, such as `write`. */
  readonly link: string;
  readonly ok: boolean;
  readonly milliseconds: number;
  /**
   * `unhealthy`, with a sentence that says what to do and holds no path, key or URL; the `cause` may hold all of them and
   * is for the log of this process.
   */
  readonly error?: FileFieldError;
}

export interface CheckResult {
  readonly ok: boolean;
  /** In order, up to and including the first that is broken. */
  readonly links: readonly LinkResult[];
  /** Where the check was cut short: resolves once it has also cleared up behind itself. */
  readonly cleared?: Promise<void>;
}

export interface CheckRun {
  /** Cuts the check short: the result comes at once, and the link that was waited for is the broken one. */
  readonly signal?: AbortSignal;
}

/** Something that is in order or not: data and a function. Running it twice at once does no harm. */
export interface Check {
  /** Never rejects. */
  run(options?: CheckRun): Promise<CheckResult>;
}
