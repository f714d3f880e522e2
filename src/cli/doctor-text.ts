import type { CheckResult } from '../health/check-result.js';
import { healthReport } from '../health/health-report.js';
import type { CheckResults } from '../health/run-checks.js';
import { displayWidth, lineWidth, padded, painter, wrapped, type Terminal } from './terminal.js';

/** What `filefield doctor` has found. */
export interface Diagnosis {
  readonly results: CheckResults;
  /** The folders of the storages that were checked, by the names of their checks. */
  readonly folders: Readonly<Record<string, string>>;
  /** What nothing of the configuration checks. */
  readonly notChecked: readonly string[];
}

/** The health report with details, the causes of each failure, and the folders. */
export function doctorJson({ results, folders, notChecked }: Diagnosis): string {
  const { status, checks } = healthReport(results, 'details');
  const entries = Object.entries(checks).map(([name, report]) => {
    const messages = causes(results[name]!);
    const folder = folders[name];
    return [name, { ...report, ...(folder && { folder }), ...(messages.length > 0 && { causes: messages }) }];
  });
  return `${JSON.stringify({ status, checks: Object.fromEntries(entries) as object, notChecked }, null, 2)}\n`;
}

/** A line for each check; below a failed one, what to do and the causes, which may name paths. */
export function doctorText(
  { results, folders, notChecked }: Diagnosis,
  terminal: Pick<Terminal, 'stdout' | 'env'>,
): string {
  const entries = Object.entries(results);
  const paint = painter(terminal);
  const width = Math.max(0, ...entries.map(([name]) => displayWidth(name)));
  const print: Print = { paint, columns: lineWidth(terminal), indent: width + 2 };
  const lines = entries.flatMap(([name, result]) => checkLines(padded(name, width), result, folders[name], print));
  const failing = entries.filter(([, { ok }]) => !ok).length;
  const count = `${entries.length} ${entries.length === 1 ? 'check' : 'checks'}`;
  const verdict = failing > 0 ? paint('red', `${failing} failed`) : paint('green', 'all passed');
  const left = entries.flatMap(([name, result]) => (result.notChecked ?? []).map((phrase) => `${name}, ${phrase}`));
  const missing = [...left, ...notChecked].map((phrase) => wrapped(`not checked: ${phrase}`, print.columns, 13));
  return `${[...lines, ...missing, `${count}, ${verdict}`].join('\n')}\n`;
}

interface Print {
  readonly paint: ReturnType<typeof painter>;
  readonly columns: number;
  /** Of everything below the name of a check. */
  readonly indent: number;
}

function checkLines(name: string, result: CheckResult, folder: string | undefined, print: Print): string[] {
  const { paint, columns, indent } = print;
  const { ok, links } = result;
  const margin = ' '.repeat(indent);
  const below = (text: string) => text.split('\n').map((line) => wrapped(margin + line, columns, indent));
  const passed = links.filter((link) => link.ok).map(({ link }) => link);
  const time = paint('dim', `(${links.reduce((sum, { milliseconds }) => sum + milliseconds, 0)} ms)`);
  const place = folder === undefined ? [] : below(`in ${folder}`);
  const first = (text: string) => wrapped(`${name}  ${text}`, columns, indent + 8);
  if (ok) return [first(`${paint('green', 'ok')}      ${passed.join(' ')} ${time}`), ...place];
  const failed = links.find((link) => !link.ok);
  const after = passed.length > 0 ? `, after ${passed.join(' ')}` : '';
  return [
    first(`${paint('red', 'failed')}  ${failed?.link ?? ''}${after} ${time}`),
    ...(failed?.error ? below(failed.error.message) : []),
    ...causes(result).flatMap((text) => below(`cause: ${text}`)),
    ...place,
  ];
}

/** The messages of an error's causes, outermost first. */
function causes({ links }: CheckResult): string[] {
  const messages: string[] = [];
  let cause: unknown = links.find(({ ok }) => !ok)?.error?.cause;
  // At most ten, in case a cause refers to itself.
  while (cause !== undefined && messages.length < 10) {
    messages.push(cause instanceof Error ? messageOf(cause) : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}

/** If connecting failed at several addresses, Node throws an AggregateError without a message. */
function messageOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors.map((one: unknown) => String(one)) : [];
  return [error.message, ...inner].filter((text) => text !== '').join('; ') || error.name;
}
