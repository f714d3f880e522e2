import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FilesEvents } from '../events.js';

/** A step in a file's life, named as its event is; a crash comes right after it. */
export type CrashStep = Extract<
  keyof FilesEvents,
  'intended' | 'stored' | 'bound' | 'released' | 'expired' | 'retired' | 'deleted'
>;

export interface CrashOptions {
  /**
   * Which time the step is reached, from now on.
   * @default 1
   */
  readonly nth?: number;
  /**
   * Done instead of ending the process. It is run in the middle of the step, and must not throw: Node makes that an
   * uncaught exception.
   * @default kills this process with SIGKILL, so that nothing else runs
   */
  readonly action?: (message: unknown) => void;
}

/**
 * Ends this process at a step of a file's life, as a power cut would: to see, from another process, what a sweep makes
 * of what is left. `bound` and `released` come from inside the row's transaction. Hears all `Files` of the process.
 * Returns a function that calls it off.
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
  let left = options.nth ?? 1;
  const listener = (message: unknown) => {
    left -= 1;
    if (left > 0) return;
    callOff();
    (options.action ?? killProcess)(message);
  };
  const callOff = () => void unsubscribe(name, listener);
  subscribe(name, listener);
  return callOff;
}

/** No handler, no finally, no flush: the operating system closes what was open. */
export function killProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}
