import { setMaxListeners } from 'node:events';
import { tookTooLong, unhealthy, untilAborted, type Check, type CheckResult } from './check-result.js';

/** Checks by name. */
export type Checks = Readonly<Record<string, Check>>;

/** The result of each check, under its name. */
export type CheckResults = Readonly<Record<string, CheckResult>>;

/** Runs all checks at the same time. A check without a result after `timeout` milliseconds has failed. Never rejects. */
export async function runChecks(checks: Checks, timeout: number): Promise<CheckResults> {
  const controller = new AbortController();
  // Each check has some, and there may be many checks.
  setMaxListeners(0, controller.signal);
  const timer = setTimeout(() => controller.abort(new Error(`There was no result after ${timeout} ms.`)), timeout);
  try {
    const run = async ([name, check]: [string, Check]) => [name, await runCheck(check, controller.signal)] as const;
    return Object.fromEntries(await Promise.all(Object.entries(checks).map(run)));
  } finally {
    clearTimeout(timer);
  }
}

/** A check from elsewhere may throw, ignore the signal, or resolve to something else. */
async function runCheck(check: Check, signal: AbortSignal): Promise<CheckResult> {
  const failed = (link: string, sentence: string, cause: unknown): CheckResult => ({
    ok: false,
    links: [{ link, ok: false, milliseconds: 0, error: unhealthy(sentence, cause) }],
  });
  const late = Symbol();
  try {
    const result = await untilAborted((async () => check.run({ signal }))(), shortlyAfter(signal), late);
    if (result === late) return failed('timeout', tookTooLong, signal.reason);
    if (typeof result?.ok === 'boolean' && Array.isArray(result.links)) return result;
    return failed('check', 'The check must resolve to { ok, links }.', undefined);
  } catch (cause) {
    return failed('check', 'The check itself failed.', cause);
  }
}

/** A signal that aborts right after another one, so that the check can first say which link was running. */
function shortlyAfter(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  signal.addEventListener('abort', () => void setImmediate(() => later.abort()), { once: true });
  return later.signal;
}
