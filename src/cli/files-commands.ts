import { isFileFieldError } from '../errors.js';
import type { Files } from '../fields/files.js';
import type { ReconcileCursor, ReconcileReport } from '../ledger/reconcile.js';
import type { LedgerStatus, StorageStatus } from '../ledger/status.js';
import { Trash } from '../ledger/trash.js';
import { invalidOption } from '../options.js';
import { columns, type Command, type CommandOption, type OptionValues } from './command.js';
import { configOption, loadFiles } from './load-config.js';
import { lineWidth, painter, type Terminal } from './terminal.js';

export const jsonOption: CommandOption = { name: 'json', description: 'prints JSON for programs' };
export const dryRunOption: CommandOption = {
  name: 'dry-run',
  description: 'changes nothing, and says what would be done',
};
const batchOption: CommandOption = { name: 'batch', value: 'number', description: 'objects handled at one time' };

/** The commands for a cron job and for a look at what waits. They exit with 1 if a person should look. */
export const filesCommands: readonly Command[] = [
  {
    name: 'status',
    description: 'prints what waits in the ledger, and whether the storages are the right ones',
    options: [configOption, jsonOption, dryRunOption],
    run: status,
  },
  {
    name: 'sweep',
    description: 'deletes the bytes that no row refers to',
    options: [
      configOption,
      jsonOption,
      dryRunOption,
      batchOption,
      { name: 'concurrency', value: 'number', description: 'objects deleted at the same time', default: '16' },
      { name: 'stuck', description: 'also tries again what failed ten times' },
    ],
    run: sweep,
  },
  {
    name: 'reconcile',
    description: 'compares rows, ledger and storages, and reports what does not belong together',
    options: [
      configOption,
      jsonOption,
      dryRunOption,
      batchOption,
      {
        name: 'repair',
        description: 'releases files that no row has, and records files of rows that the ledger lacks',
      },
      { name: 'delete-unknown', description: 'puts objects that the ledger does not know into the trash' },
    ],
    run: reconcile,
  },
  {
    name: 'stuck',
    description: 'lists the objects whose deletion failed ten times',
    options: [
      configOption,
      jsonOption,
      dryRunOption,
      { name: 'retry', description: 'lets the next sweep try them again' },
    ],
    run: stuck,
  },
];

async function status(values: OptionValues, terminal: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const found = await files.status();
  const isWrong = ({ condition }: StorageStatus) => ['contested', 'wrong', 'failing'].includes(condition);
  const wrong = found.storages.filter(isWrong);
  const { unprotected } = files;
  if (values.has('json')) terminal.stdout.write(`${JSON.stringify({ ...found, unprotected }, shownErrors, 2)}\n`);
  else terminal.stdout.write(statusText({ ...found, unprotected }, wrong, terminal));
  return wrong.length + found.trash.stuck > 0 ? 1 : 0;
}

function statusText(
  found: LedgerStatus & Pick<Files, 'unprotected'>,
  wrong: readonly StorageStatus[],
  terminal: Terminal,
): string {
  if (!found.recorded) return 'There is no ledger: nothing is deleted by itself.\n';
  const { entries, trash } = found;
  const paint = painter(terminal);
  const problem = (text: string, isProblem: boolean) => (isProblem ? paint('red', text) : text);
  const rows: (readonly [string, string])[] = [
    ['identity', found.identity ?? 'none yet: nothing was stored'],
    ['live', String(entries.live)],
    ['staged', String(entries.pending)],
    ['released', String(entries.released)],
    ['kept', String(entries.kept)],
    [
      'due',
      `${found.due} for the next sweep${found.dueSince ? `, the first since ${found.dueSince.toISOString()}` : ''}`,
    ],
    ['swept', found.swept ? `last at ${found.swept.toISOString()}` : 'never'],
    [
      'trash',
      `${trash.waiting} waiting, ${trash.failing} failing, ${problem(`${trash.stuck} stuck`, trash.stuck > 0)}`,
    ],
    ...(found.missingIndexes ?? []).map((name) => ['index', problem(`${name} is missing`, true)] as const),
    ...found.unprotected.map((column) => ['unprotected', `${column}: run protectFiles() in a migration`] as const),
    ...found.foreign.map(
      ({ column, files }) => ['foreign', `${files} of ${column}, which is not mapped here`] as const,
    ),
    ...found.storages.map(
      (one) => [`storage ${one.storage}`, problem(conditionText(one), wrong.includes(one))] as const,
    ),
  ];
  return columns(rows, lineWidth(terminal));
}

function conditionText({ condition, since, fence = 0, error }: StorageStatus): string {
  if (condition === 'right') {
    return `right; files retired before ${since?.toISOString() ?? ''} may be deleted ${Math.round(fence / 60_000)} min after it`;
  }
  return error instanceof Error ? `${condition}: ${error.message}` : condition;
}

async function sweep(values: OptionValues, terminal: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const faults = faultsOf(files);
  const progress = new Progress(terminal, 'deleted');
  files.on('deleted', () => progress.step());
  const report = await files.sweep({
    concurrency: numberOf(values, 'concurrency') ?? 16,
    stuck: values.has('stuck'),
    dryRun: values.has('dry-run'),
    ...(values.has('batch') && { batch: numberOf(values, 'batch')! }),
  });
  progress.end();
  if (values.has('json')) terminal.stdout.write(`${JSON.stringify({ ...report, faults }, shownErrors, 2)}\n`);
  else {
    const counts = Object.entries(report).map(([name, count]) => [name, String(count)] as const);
    terminal.stdout.write(columns(counts) + faultText(faults));
  }
  return report.failed > 0 || faults.length > 0 ? 1 : 0;
}

const kinds = ['unreferenced', 'unrecorded', 'unknown', 'missing', 'foreign'] as const;

async function reconcile(values: OptionValues, terminal: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const faults = faultsOf(files);
  const changes = !values.has('dry-run');
  const options = { repair: changes && values.has('repair'), deleteUnknown: changes && values.has('delete-unknown') };
  const found = Object.fromEntries(kinds.map((kind) => [kind, [] as unknown[]])) as Record<
    (typeof kinds)[number],
    unknown[]
  >;
  const progress = new Progress(terminal, 'batches compared');
  let from: ReconcileCursor | undefined;
  do {
    const report: ReconcileReport = await files.reconcile({
      ...options,
      ...(from && { from }),
      ...(values.has('batch') && { batch: numberOf(values, 'batch')! }),
    });
    for (const kind of kinds) found[kind].push(...report[kind]);
    from = report.next;
    progress.step();
  } while (from);
  progress.end();
  if (values.has('json')) terminal.stdout.write(`${JSON.stringify({ ...found, faults }, shownErrors, 2)}\n`);
  else terminal.stdout.write(columns(kinds.map((kind) => [kind, reconcileText(found[kind])])) + faultText(faults));
  const left =
    (options.repair ? 0 : found.unreferenced.length + found.unrecorded.length) +
    (options.deleteUnknown ? 0 : found.unknown.length);
  return left + found.missing.length + faults.length > 0 ? 1 : 0;
}

/** The number, and the first few objects. */
function reconcileText(objects: readonly unknown[]): string {
  const names = (objects as readonly { storage: string; key: string }[]).slice(0, 5);
  const more = objects.length > names.length ? ', …' : '';
  if (objects.length === 0) return '0';
  return `${objects.length}: ${names.map(({ storage, key }) => `${storage}:${key}`).join(', ')}${more}`;
}

async function stuck(values: OptionValues, { stdout }: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const trash = new Trash(files.ledger, files.storages);
  const objects = files.ledger.recorded ? await trash.stuck() : [];
  if (values.has('json')) stdout.write(`${JSON.stringify(objects, undefined, 2)}\n`);
  else for (const { storage, key, error } of objects) stdout.write(`${storage}:${key}  ${error}\n`);
  if (!values.has('retry') || values.has('dry-run')) return objects.length > 0 ? 1 : 0;
  await trash.retryStuck();
  return 0;
}

/** A line on stderr that counts, if a person reads it. */
class Progress {
  #count = 0;
  #shown = 0;

  constructor(
    private readonly terminal: Terminal,
    private readonly what: string,
  ) {}

  step(): void {
    this.#count += 1;
    if (!this.terminal.stderr.isTTY || Date.now() - this.#shown < 100) return;
    this.#shown = Date.now();
    this.terminal.stderr.write(`\r${this.#count} ${this.what}`);
  }

  end(): void {
    if (this.#shown > 0) this.terminal.stderr.write('\r\u001b[K');
  }
}

/** The errors that nobody waits for, for the report instead of the console. */
export function faultsOf(files: Files): unknown[] {
  const faults: unknown[] = [];
  files.on('fault', (error) => void faults.push(error));
  return faults;
}

export function faultText(faults: readonly unknown[]): string {
  return faults.map((fault) => `${fault instanceof Error ? fault.message : String(fault)}\n`).join('');
}

/** An error as JSON: its code and its sentence. */
export function shownErrors(_name: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { ...(isFileFieldError(value) && { code: value.code }), message: value.message };
}

export function numberOf(values: OptionValues, name: string): number | undefined {
  const text = values.get(name)?.at(-1);
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw invalidOption(`--${name} must be a whole number; it is "${text}".`);
}
