import { promisify } from 'node:util';

/**
 * True for a promise, also one of another library or of another realm: `node:vm` and test runners have a `Promise` of their
 * own, so that `instanceof` would miss those of Node.
 *
 * Code of the serving half asks before it awaits: sources, options and deliveries mostly give a value and no promise, and each
 * `await` of a value costs as much as a header. What is awaited without asking is what always takes time, such as the disk.
 *
 * ```js
 * const found = find(request);
 * const row = isPromise(found) ? await found : found;
 * ```
 */
export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as Partial<PromiseLike<Value>> | null | undefined)?.then === 'function';
}

/**
 * Resolves in the next turn of the event loop, after everything that is ready now. Taken when this module is loaded, so that
 * the fake timers of a test do not stop uploads.
 */
export const nextTurn: () => Promise<void> = promisify(setImmediate);
