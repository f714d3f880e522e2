import { duration, type Duration } from '../options.js';
import type { Check } from '../health/check.js';
import { healthReport } from '../health/health-report.js';
import { runChecks, type CheckResults } from '../health/run-checks.js';
import { storageCheck } from '../health/storage-check.js';
import type { StorageRegistry } from '../file/registry.js';
import { causes, doctorText } from './doctor-text.js';
import { loadConfig, type Config } from './load-config.js';
import { painter, type Terminal } from './terminal.js';

export interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly timeout: string;
}

/** How long to wait for checks that were cut short to clear up. */
const patience = 5000;

/** Runs all checks and one of each storage that has none, and says what it found. Resolves to the exit code, 0 or 1. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const timeout = duration('timeout', options.timeout as Duration, { from: 1 });
  const results = await runChecks(allChecks(await loadConfig(options.config)), timeout);
  const ok = Object.values(results).every((result) => result.ok);
  terminal.stdout.write(options.json ? jsonText(results) : doctorText(results, painter(terminal)));
  await cleared(results);
  return ok ? 0 : 1;
}

function allChecks({ storages, checks = {} }: Config): Readonly<Record<string, Check>> {
  const checked = new Set(Object.values(checks).map((check) => (check as { storage?: unknown }).storage));
  const names = storages?.names.filter((name) => !checked.has(storages.resolve(name))) ?? [];
  const missing = names.map((name) => [name in checks ? `${name} (storage)` : name, check(storages!, name)] as const);
  return { ...Object.fromEntries(missing), ...checks };
}

function check(storages: StorageRegistry, name: string): Check {
  return storageCheck(storages.resolve(name));
}

/** For programs, and a person's eyes: with the causes. */
function jsonText(results: CheckResults): string {
  const { status, checks } = healthReport(results, true);
  const told = Object.entries(checks).map(([name, report]) => {
    const found = causes(results[name]!);
    return [name, { ...report, ...(found.length > 0 && { causes: found }) }];
  });
  return `${JSON.stringify({ status, checks: Object.fromEntries(told) as object }, null, 2)}\n`;
}

async function cleared(results: CheckResults): Promise<void> {
  const all = Promise.allSettled(Object.values(results).map((result) => result.cleared));
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((resolve) => (timer = setTimeout(resolve, patience)));
  await Promise.race([all, enough]);
  clearTimeout(timer);
}
