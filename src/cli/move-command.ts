import type { MoveProgress, MoveReport } from '../fields/move.js';
import { invalidOption, type ByteSize } from '../options.js';
import { columns, type Command, type OptionValues } from './command.js';
import { dryRunOption, faultsOf, faultText, jsonOption, numberOf, shownErrors } from './files-commands.js';
import { configOption, loadFiles } from './load-config.js';
import type { Terminal } from './terminal.js';

/** Moves the files of a storage to another one. Exit code 1 if some could not be moved. */
export const moveCommand: Command = {
  name: 'move',
  description: 'moves the files of all rows from one storage to another, while the application runs',
  options: [
    configOption,
    { name: 'from', value: 'storage', description: 'the storage that has the files' },
    { name: 'to', value: 'storage', description: 'the storage that gets them' },
    jsonOption,
    dryRunOption,
    { name: 'concurrency', value: 'number', description: 'files copied at the same time', default: '4' },
    { name: 'rate', value: 'size', description: 'bytes per second, such as 50MB (default: no limit)' },
  ],
  run: move,
};

async function move(values: OptionValues, terminal: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const faults = faultsOf(files);
  const rate = values.get('rate')?.at(-1) as ByteSize | undefined;
  const bar = new ProgressBar(terminal);
  const interrupted = new AbortController();
  // The second one ends the process at once, which loses nothing either.
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    const report = await files.move({
      from: nameOf(values, 'from'),
      to: nameOf(values, 'to'),
      dryRun: values.has('dry-run'),
      concurrency: numberOf(values, 'concurrency') ?? 4,
      ...(rate !== undefined && { bytesPerSecond: rate }),
      signal: interrupted.signal,
      onProgress: (progress) => bar.show(progress),
    });
    bar.end();
    if (values.has('json')) terminal.stdout.write(`${JSON.stringify({ ...report, faults }, shownErrors, 2)}\n`);
    else terminal.stdout.write(reportText(report) + faultText(faults));
    return report.missing.length + report.damaged.length + report.foreign + faults.length > 0 ? 1 : 0;
  } finally {
    bar.end();
    process.off('SIGINT', interrupt);
  }
}

function nameOf(values: OptionValues, option: string): string {
  const name = values.get(option)?.at(-1);
  if (name) return name;
  throw invalidOption(`argument missing: give --${option} <storage>.`);
}

function reportText({ missing, damaged, bytes, ...counts }: MoveReport): string {
  const keys = (objects: readonly { readonly key: string }[]) =>
    objects.length === 0 ? '0' : `${objects.length}: ${objects.map(({ key }) => key).join(', ')}`;
  return columns([
    ...Object.entries(counts).map(([name, count]) => [name, String(count)] as const),
    ['bytes', sizeText(bytes)],
    ['missing', keys(missing)],
    ['damaged', keys(damaged)],
  ]);
}

/** A line on stderr with a bar, the rate and the time that is left, if a person reads it. */
class ProgressBar {
  #shown = 0;
  readonly #started = Date.now();

  constructor(private readonly terminal: Terminal) {}

  show(progress: MoveProgress): void {
    const now = Date.now();
    if (!this.terminal.stderr.isTTY || now - this.#shown < 100) return;
    this.#shown = now;
    this.terminal.stderr.write(`\r\u001b[K${progressText(progress, now - this.#started)}`);
  }

  end(): void {
    if (this.#shown > 0) this.terminal.stderr.write('\r\u001b[K');
    this.#shown = 0;
  }
}

const width = 20;

/** One line: a bar, what is done, the rate, and the time that is left at this rate. */
export function progressText({ files, bytes, totalFiles, totalBytes }: MoveProgress, milliseconds: number): string {
  // Rows may come while files are moved.
  const share = Math.min(1, totalBytes > 0 ? bytes / totalBytes : files / Math.max(1, totalFiles));
  const full = Math.round(share * width);
  const rate = (bytes * 1000) / Math.max(1, milliseconds);
  const left = share > 0 ? (milliseconds * (1 - share)) / share : undefined;
  const parts = [
    `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`,
    `${files} of ${totalFiles} files,`,
    `${sizeText(bytes)} of ${sizeText(totalBytes)},`,
    `${sizeText(rate)}/s,`,
    left === undefined ? '' : `${timeText(left)} left`,
  ];
  return parts.join(' ').trimEnd();
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function timeText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}
