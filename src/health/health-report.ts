import { isFileFieldError } from '../errors.js';
import type { CheckResult } from './check.js';
import type { CheckResults } from './run-checks.js';

/** What a client is told: names, links and, where it may see details, sentences. Never a path, a key or a cause. */
export interface HealthReport {
  readonly status: 'ok' | 'failing';
  readonly checks: Readonly<Record<string, CheckReport>>;
}

export interface CheckReport {
  readonly ok: boolean;
  /** The first broken one. */
  readonly link?: string;
  /** What to do. Only with details, as is all that follows. */
  readonly sentence?: string;
  readonly links?: readonly { readonly link: string; readonly ok: boolean; readonly milliseconds: number }[];
}

/** The results in the form that may leave this process. */
export function healthReport(results: CheckResults, details: boolean): HealthReport {
  const entries = Object.entries(results);
  return {
    status: entries.every(([, { ok }]) => ok) ? 'ok' : 'failing',
    checks: Object.fromEntries(entries.map(([name, result]) => [name, checkReport(result, details)])),
  };
}

function checkReport({ ok, links }: CheckResult, details: boolean): CheckReport {
  const broken = links.find((link) => !link.ok);
  return {
    ok,
    ...(broken && { link: broken.link }),
    ...(details && broken && { sentence: sentenceOf(broken.error) }),
    ...(details && { links: links.map(({ link, ok, milliseconds }) => ({ link, ok, milliseconds })) }),
  };
}

/** Only our own sentences are known to hold no secret. */
function sentenceOf(error: unknown): string {
  return isFileFieldError(error, 'unhealthy') ? error.message : 'The check failed; the log of the program says why.';
}
