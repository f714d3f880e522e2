/**
 * True for a promise, also one of another library. Where a value is mostly known at once, code that asks first saves the turn
 * of the event queue that `await` would take.
 */
export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as Partial<PromiseLike<Value>> | null | undefined)?.then === 'function';
}
