/**
 * What the promise comes to or, as soon as the signal is given, `otherwise`; then nobody looks at the promise any more.
 */
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
