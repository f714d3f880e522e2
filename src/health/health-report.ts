import { isFileFieldError } from '../errors.js';
import type { CheckResult, LinkResult } from './check-result.js';
import type { CheckResults } from './run-checks.js';

/** The JSON of `healthHandler`: names and, with details, sentences and times. It never contains a path, key or cause. */
export interface HealthReport {
  /** `ok` if all checks are. */
  readonly status: 'ok' | 'failing';
  /** The report of each check, under its name. */
  readonly checks: Readonly<Record<string, CheckReport>>;
}

/** The report of one check. */
export interface CheckReport {
  /** True if all links work. */
  readonly ok: boolean;
  /** The link that failed. */
  readonly link?: string;
  /** What to do about it. Only with details. */
  readonly sentence?: string;
  /** The links in order, up to and including the one that failed. Only with details. */
  readonly links?: readonly Pick<LinkResult, 'link' | 'ok' | 'milliseconds'>[];
  /** What the check could not look at. Only with details. */
  readonly notChecked?: readonly string[];
}

/** Results as a client may see them. */
export function healthReport(results: CheckResults, level: 'summary' | 'details'): HealthReport {
  const entries = Object.entries(results);
  return {
    status: entries.every(([, { ok }]) => ok) ? 'ok' : 'failing',
    checks: Object.fromEntries(entries.map(([name, result]) => [name, checkReport(result, level)])),
  };
}

function checkReport({ ok, links, notChecked }: CheckResult, level: 'summary' | 'details'): CheckReport {
  const failed = links.find((link) => !link.ok);
  const summary = { ok, ...(failed && { link: failed.link }) };
  if (level === 'summary') return summary;
  return {
    ...summary,
    ...(failed && { sentence: sentenceOf(failed.error) }),
    links: links.map(({ link, ok, milliseconds }) => ({ link, ok, milliseconds })),
    ...(notChecked && { notChecked }),
  };
}

/** The message of any other error might contain a path or a password. */
function sentenceOf(error: unknown): string {
  return isFileFieldError(error, 'unhealthy')
    ? error.message
    : 'The check failed; the log of the application says why.';
}
