/**
 * True for a promise, also one of another library. Where a value is mostly known at once, code that asks first saves the turn
 * of the event queue that `await` would take.
 *
 * @example
 * ```ts
 * import { isPromise } from './promise.js';
 *
 * declare function load(): string | Promise<string>;
 * const found = load();
 * const text = isPromise(found) ? await found : found;
 * ```
 */
export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as Partial<PromiseLike<Value>> | null | undefined)?.then === 'function';
}
