import type { CheckResult } from '../health/check.js';
import type { CheckResults } from '../health/run-checks.js';
import type { painter } from './terminal.js';

/** A line for each check; below a broken one what to do, and the causes, which may name paths. */
export function doctorText(results: CheckResults, paint: ReturnType<typeof painter>): string {
  const entries = Object.entries(results);
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  const lines = entries.flatMap(([name, result]) => {
    const { ok, links } = result;
    const walked = links.filter((link) => link.ok).map(({ link }) => link);
    const took = `(${links.reduce((sum, { milliseconds }) => sum + milliseconds, 0)} ms)`;
    const start = `${name.padEnd(width)}  `;
    if (ok) return [`${start}${paint('green', 'ok')}       ${walked.join(' ')} ${paint('dim', took)}`];
    const broken = links.find((link) => !link.ok);
    const after = walked.length > 0 ? `, after ${walked.join(' ')}` : '';
    const indent = ' '.repeat(start.length);
    return [
      `${start}${paint('red', 'failing')}  ${broken?.link ?? ''}${after} ${paint('dim', took)}`,
      ...(broken?.error ? [broken.error.message] : []).map((text) => `${indent}${text}`),
      ...causes(result).map((text) => `${indent}because: ${text.replaceAll('\n', `\n${indent}`)}`),
    ];
  });
  const failing = entries.filter(([, { ok }]) => !ok).length;
  const count = `${entries.length} ${entries.length === 1 ? 'check' : 'checks'}`;
  const verdict = failing > 0 ? paint('red', `${failing} failing`) : paint('green', 'all in order');
  return `${[...lines, `${count}, ${verdict}`].join('\n')}\n`;
}

/** Why a check failed, from the nearest cause to the last. */
export function causes({ links }: CheckResult): string[] {
  const told: string[] = [];
  let cause: unknown = links.find(({ ok }) => !ok)?.error?.cause;
  // Ten are enough for a circle too.
  while (cause !== undefined && told.length < 10) {
    told.push(cause instanceof Error ? messageOf(cause) : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return told;
}

/** A connection that failed at several addresses has all of its errors inside, and no message. */
function messageOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors.map((one: unknown) => String(one)) : [];
  return [error.message, ...inner].filter((text) => text !== '').join('; ') || error.name;
}
