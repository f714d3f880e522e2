import type { StorageRegistry } from '../file/registry.js';
import type { Check, CheckResult } from '../health/check-result.js';
import { healthReport } from '../health/health-report.js';
import { runChecks, type CheckResults } from '../health/run-checks.js';
import { ledgerCheck } from '../health/ledger-check.js';
import { storageCheck } from '../health/storage-check.js';
import { duration, type Duration } from '../options.js';
import type { Command, OptionValues } from './command.js';
import { attachedFiles, configOption, loadConfig, type Config } from './load-config.js';
import { painter, type Terminal } from './terminal.js';

/** Runs all checks of the configuration, a `storageCheck` of each storage that has none, and a `ledgerCheck` of its files. */
export const doctorCommand: Command = {
  name: 'doctor',
  description:
    'runs all checks of the configuration, one of each storage and one of the ledger; exit code 1 if a check fails',
  options: [
    configOption,
    { name: 'json', description: 'prints JSON for programs' },
    { name: 'timeout', value: 'duration', description: 'a check that takes longer fails', default: '10s' },
  ],
  run: doctor,
};

async function doctor(values: OptionValues, terminal: Terminal): Promise<number> {
  const timeout = duration('timeout', values.get('timeout')?.at(-1) as Duration, { from: 1 });
  const results = await runChecks(await allChecks(await loadConfig(values.get('config')?.at(-1))), timeout);
  const ok = Object.values(results).every((result) => result.ok);
  terminal.stdout.write(values.has('json') ? jsonText(results) : resultText(results, painter(terminal)));
  await cleanedUp(results);
  return ok ? 0 : 1;
}

async function allChecks(config: Config): Promise<Readonly<Record<string, Check>>> {
  const { checks = {} } = config;
  const files = config.files === undefined ? undefined : await attachedFiles(config);
  const storages = config.storages ?? files?.storages;
  const checked = new Set(Object.values(checks).map((check) => (check as { storage?: unknown }).storage));
  const names = storages?.names.filter((name) => !checked.has(storages.resolve(name))) ?? [];
  const missing = names.map((name) => [checkName(name, 'storage', checks), checkOf(storages!, name)] as const);
  const ledger = files && { [checkName('ledger', 'ledger', checks)]: ledgerCheck(files) };
  return { ...Object.fromEntries(missing), ...ledger, ...checks };
}

/** A storage, or the ledger, may have the name of a check of something else. */
function checkName(name: string, kind: 'ledger' | 'storage', checks: object): string {
  return name in checks ? `${name} (${kind})` : name;
}

function checkOf(storages: StorageRegistry, name: string): Check {
  return storageCheck(storages.resolve(name));
}

/** The health report with details, and the causes of each failure. */
function jsonText(results: CheckResults): string {
  const { status, checks } = healthReport(results, 'details');
  const entries = Object.entries(checks).map(([name, report]) => {
    const messages = causes(results[name]!);
    return [name, { ...report, ...(messages.length > 0 && { causes: messages }) }];
  });
  return `${JSON.stringify({ status, checks: Object.fromEntries(entries) as object }, null, 2)}\n`;
}

/** A line for each check; below a failed one, what to do and the causes, which may name paths. */
function resultText(results: CheckResults, paint: ReturnType<typeof painter>): string {
  const entries = Object.entries(results);
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  const lines = entries.flatMap(([name, result]) => checkLines(name.padEnd(width), result, paint));
  const failing = entries.filter(([, { ok }]) => !ok).length;
  const count = `${entries.length} ${entries.length === 1 ? 'check' : 'checks'}`;
  const verdict = failing > 0 ? paint('red', `${failing} failed`) : paint('green', 'all passed');
  return `${[...lines, `${count}, ${verdict}`].join('\n')}\n`;
}

function checkLines(name: string, result: CheckResult, paint: ReturnType<typeof painter>): string[] {
  const { ok, links } = result;
  const passed = links.filter((link) => link.ok).map(({ link }) => link);
  const time = paint('dim', `(${links.reduce((sum, { milliseconds }) => sum + milliseconds, 0)} ms)`);
  if (ok) return [`${name}  ${paint('green', 'ok')}      ${passed.join(' ')} ${time}`];
  const failed = links.find((link) => !link.ok);
  const after = passed.length > 0 ? `, after ${passed.join(' ')}` : '';
  const indent = ' '.repeat(name.length + 2);
  return [
    `${name}  ${paint('red', 'failed')}  ${failed?.link ?? ''}${after} ${time}`,
    ...(failed?.error ? [`${indent}${failed.error.message}`] : []),
    ...causes(result).map((text) => `${indent}cause: ${text.replaceAll('\n', `\n${indent}`)}`),
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

/** Milliseconds to wait for checks that timed out to delete their probes. */
const patience = 5000;

async function cleanedUp(results: CheckResults): Promise<void> {
  const all = Promise.allSettled(Object.values(results).map((result) => result.cleared));
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((resolve) => (timer = setTimeout(resolve, patience)));
  await Promise.race([all, enough]);
  clearTimeout(timer);
}
