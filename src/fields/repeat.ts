import { longestTimer } from '../options.js';

/**
 * Does the work again and again, for the first time after one interval; one run ends before the next wait begins. The timer
 * does not keep the process alive. Call the returned function to stop: it resolves once a run that is under way has ended.
 */
export function repeat(milliseconds: number, work: () => Promise<unknown>): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = false;
  const wait = (left: number) => {
    if (stopped) return;
    const step = Math.min(left, longestTimer);
    timer = setTimeout(() => (left > step ? wait(left - step) : run()), step).unref();
  };
  const run = () => {
    running = work().finally(() => wait(milliseconds));
  };
  wait(milliseconds);
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}
