import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FilesEvents } from '../events.js';
import { wholeNumber } from '../options.js';

/** A step in the life of a stored file, named after its event. The crash comes right after the step. */
export type CrashStep = Extract<
  keyof FilesEvents,
  'intended' | 'stored' | 'bound' | 'released' | 'expired' | 'retired' | 'deleted'
>;

/** Options of `crashAt`. */
export interface CrashOptions {
  /**
   * The crash comes when the step is reached for the nth time from now on; at least 1.
   * @default 1
   */
  readonly nth?: number;
  /**
   * Called instead of ending the process, in the middle of the step. It must not throw: Node would treat that as an uncaught
   * exception.
   * @default ends this process with SIGKILL, so that nothing else runs
   */
  readonly action?: (message: unknown) => void;
}

/**
 * Ends this process at a step in the life of a stored file, as a power cut would; a test in another process can then sweep
 * and see what is left. `bound` and `released` are reached inside the row's transaction. Applies to all `Files` of this
 * process. Returns a function that cancels it.
 *
 * @throws `invalid_option` for an `nth` that is not a whole number above 0
 *
 * @example
 * ```ts
 * import { crashAt } from 'filefield/testing';
 *
 * // in a child process, before it saves its row
 * crashAt('bound');
 * ```
 */
export function crashAt(step: CrashStep, options: CrashOptions = {}): () => void {
  const name = `filefield:${step}`;
  let left = wholeNumber('nth', options.nth ?? 1, { from: 1 });
  const listener = (message: unknown) => {
    left -= 1;
    if (left > 0) return;
    cancel();
    (options.action ?? killProcess)(message);
  };
  const cancel = () => void unsubscribe(name, listener);
  subscribe(name, listener);
  return cancel;
}

/** Ends this process without handlers, `finally` blocks or flushes; the operating system closes its files. */
export function killProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}
