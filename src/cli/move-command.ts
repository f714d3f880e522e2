import type { MoveReport } from '../fields/move.js';
import { invalidOption, type ByteSize } from '../options.js';
import { columns, type Command, type OptionValues } from './command.js';
import { dryRunOption, faultsOf, faultText, jsonOption, numberOf, shownErrors } from './files-commands.js';
import { configOption, loadFiles } from './load-config.js';
import { ProgressBar, sizeText } from './progress-bar.js';
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
