import type { Files } from '../fields/files.js';
import type { Check } from '../health/check-result.js';
import { ledgerCheck } from '../health/ledger-check.js';
import { runChecks, type CheckResults } from '../health/run-checks.js';
import { storageCheck, type StorageCheck } from '../health/storage-check.js';
import { duration, invalidOption, type Duration } from '../options.js';
import type { Command, OptionValues } from './command.js';
import { doctorJson, doctorText } from './doctor-text.js';
import { attachedFiles, configOption, loadConfig, type Config } from './load-config.js';
import type { Terminal } from './terminal.js';

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

type AllChecks = Readonly<Record<string, Check>>;

async function doctor(values: OptionValues, terminal: Terminal): Promise<number> {
  const timeout = duration('timeout', values.get('timeout')?.at(-1) as Duration, { from: 1 });
  const config = await loadConfig(values.get('config')?.at(-1));
  const checks = await allChecks(config);
  if (Object.keys(checks).length === 0) {
    throw invalidOption(
      `There is nothing to check: "storages" and "checks" of ${config.file} are empty, and it exports no "files".`,
    );
  }
  const results = await runChecks(checks, timeout);
  const ok = Object.values(results).every((result) => result.ok);
  const diagnosis = { results, folders: foldersOf(checks), notChecked: notChecked(config, checks) };
  terminal.stdout.write(values.has('json') ? doctorJson(diagnosis) : doctorText(diagnosis, terminal));
  await cleanedUp(results);
  return ok ? 0 : 1;
}

async function allChecks(config: Config): Promise<AllChecks> {
  const { checks = {} } = config;
  const files = config.files === undefined ? undefined : await attachedFiles(config);
  const storages = config.storages ?? files?.storages;
  const checked = new Set(Object.values(checks).map(storageOf));
  const names = storages?.names.filter((name) => !checked.has(storages.resolve(name))) ?? [];
  const missing = names.map((name) => {
    return [checkName(name, 'storage', checks), storageCheck(storages!.resolve(name), options(files))] as const;
  });
  const ledger = files && { [checkName('ledger', 'ledger', checks)]: ledgerCheck(files) };
  return { ...Object.fromEntries(missing), ...ledger, ...checks };
}

const options = (files: Files | undefined) => (files ? { files } : {});

const storageOf = (check: Check) => (check as Partial<StorageCheck>).storage;

/** A storage, or the ledger, may have the name of a check of something else. */
function checkName(name: string, kind: 'ledger' | 'storage', checks: object): string {
  return name in checks ? `${name} (${kind})` : name;
}

/** A relative root depends on the working directory, so a person must see where it leads. */
function foldersOf(checks: AllChecks): Readonly<Record<string, string>> {
  const folders = Object.entries(checks).map(([name, check]) => [name, storageOf(check)?.root] as const);
  return Object.fromEntries(folders.filter((one): one is [string, string] => one[1] !== undefined));
}

/** What a doctor that finds nothing has not looked at. */
function notChecked({ storages, files }: Config, checks: AllChecks): string[] {
  // A `deliveryCheck` has a view.
  const front = Object.values(checks).some((check) => 'view' in check);
  return [
    ...(storages || files ? [] : ['storages, because the configuration exports neither "storages" nor "files"']),
    ...(files ? [] : ['ledger, because the configuration exports no "files"']),
    ...(front ? [] : ['the server in front, because "checks" has no deliveryCheck']),
  ];
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
