import { broken } from './broken.js';
import type { Check, CheckResult } from './check.js';
import { untilAborted } from './until-aborted.js';

export type Checks = Readonly<Record<string, Check>>;
export type CheckResults = Readonly<Record<string, CheckResult>>;

/** Runs all checks at once. What has no result after `timeout` milliseconds is broken; never rejects. */
export async function runChecks(checks: Checks, timeout: number): Promise<CheckResults> {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(new Error(`It has no result after ${timeout} ms.`)), timeout);
  try {
    const run = async ([name, check]: [string, Check]) => [name, await runCheck(check, cut.signal)] as const;
    return Object.fromEntries(await Promise.all(Object.entries(checks).map(run)));
  } finally {
    clearTimeout(timer);
  }
}

/** A check that somebody else wrote may throw, or be deaf to the signal. */
async function runCheck(check: Check, signal: AbortSignal): Promise<CheckResult> {
  const failed = (link: string, sentence: string, cause: unknown): CheckResult => ({
    ok: false,
    links: [{ link, ok: false, milliseconds: 0, error: broken(sentence, cause) }],
  });
  const late = Symbol();
  try {
    const result = await untilAborted((async () => check.run({ signal }))(), afterwards(signal), late);
    if (result === late) return failed('timeout', 'This took too long.', signal.reason);
    if (typeof result?.ok === 'boolean' && Array.isArray(result.links)) return result;
    return failed('check', 'The check came to nothing that is a result.', undefined);
  } catch (cause) {
    return failed('check', 'The check itself failed.', cause);
  }
}

/** A signal that comes right after another, so that a check can tell which link it waited for. */
function afterwards(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  signal.addEventListener('abort', () => void setImmediate(() => later.abort()), { once: true });
  return later.signal;
}
