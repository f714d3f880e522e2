import type { AdoptReport, LeftRow } from '../fields/adopt-report.js';
import type { AdoptSource } from '../fields/adopt-source.js';
import type { FileFieldOf } from '../file/entity.js';
import { invalidOption } from '../options.js';
import { columns, type Command, type OptionValues } from './command.js';
import { dryRunOption, faultsOf, faultText, jsonOption, numberOf, shownErrors } from './files-commands.js';
import { configOption, loadFiles } from './load-config.js';
import { ProgressBar, sizeText } from './progress-bar.js';
import type { Terminal } from './terminal.js';

/** Gives rows with paths a file field over the objects in their places. Exit code 1 if some rows were left without a file. */
export const adoptCommand: Command = {
  name: 'adopt',
  description: 'gives rows that have the path of a file a file field over it, where the file is',
  options: [
    configOption,
    { name: 'entity', value: 'name', description: 'the entity, such as Document' },
    { name: 'field', value: 'property', description: 'its file field' },
    { name: 'path', value: 'property', description: 'its property with the path on this machine' },
    { name: 'url', value: 'property', description: 'its property with the public URL' },
    { name: 'key', value: 'property', description: 'its property with the key in the storage' },
    {
      name: 'base',
      value: 'url',
      description: 'what the URLs begin with (default: the public address of the storage)',
    },
    { name: 'prefix', value: 'text', description: 'what the keys have before them, such as /uploads/' },
    { name: 'name-column', value: 'property', description: 'its property with the name for people' },
    { name: 'storage', value: 'storage', description: 'the storage with the objects (default: that of the field)' },
    { name: 'no-hash', description: 'reads only the first bytes of each object, and records no checksums' },
    jsonOption,
    dryRunOption,
    { name: 'concurrency', value: 'number', description: 'objects read at the same time', default: '4' },
  ],
  run: adopt,
};

interface Row {
  readonly [property: string]: unknown;
}

async function adopt(values: OptionValues, terminal: Terminal): Promise<number> {
  const [name, field] = [textOf(values, 'entity'), textOf(values, 'field')];
  const { column, source } = sourceOf(values);
  const nameColumn = values.get('name-column')?.at(-1);
  const storage = values.get('storage')?.at(-1);
  const files = await loadFiles(values.get('config')?.at(-1));
  const entity = files.entityNamed(name);
  for (const property of [column, ...(nameColumn === undefined ? [] : [nameColumn])])
    files.columnKind(entity, property);
  const faults = faultsOf(files);
  const bar = new ProgressBar(terminal);
  const interrupted = new AbortController();
  // The second one ends the process at once, which loses nothing either.
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    const report = await files.adopt(entity, field as FileFieldOf<object>, {
      ...source,
      ...(nameColumn !== undefined && { name: (row: object) => wordOf((row as Row)[nameColumn]) }),
      ...(storage !== undefined && { storage }),
      hash: !values.has('no-hash'),
      dryRun: values.has('dry-run'),
      concurrency: numberOf(values, 'concurrency') ?? 4,
      signal: interrupted.signal,
      onProgress: (progress) => bar.show(progress),
    });
    bar.end();
    if (values.has('json')) terminal.stdout.write(`${JSON.stringify({ ...report, faults }, shownErrors, 2)}\n`);
    else terminal.stdout.write(reportText(report) + faultText(faults));
    const left = report.missing.length + report.shared.length + report.odd.length + report.failed.length;
    return left + faults.length > 0 ? 1 : 0;
  } finally {
    bar.end();
    process.off('SIGINT', interrupt);
  }
}

/** The property that leads to the objects, and how. */
function sourceOf(values: OptionValues): { readonly column: string; readonly source: AdoptSource<object> } {
  const [source, ...others] = (['path', 'url', 'key'] as const).filter((name) => values.get(name)?.at(-1));
  if (!source || others.length > 0) throw invalidOption('give one of --path, --url and --key <property>.');
  const column = values.get(source)!.at(-1)!;
  const textOf = (row: object) => wordOf((row as Row)[column]);
  if (source === 'path') return { column, source: { path: textOf } };
  const base = values.get('base')?.at(-1);
  if (source === 'url') return { column, source: { url: textOf, ...(base !== undefined && { base }) } };
  const prefix = values.get('prefix')?.at(-1) ?? '';
  return { column, source: { key: (row) => withoutPrefix(textOf(row), prefix) } };
}

/** A key without the prefix stays as it is: it is reported as odd or missing. */
function withoutPrefix(key: string | undefined, prefix: string): string | undefined {
  return key?.startsWith(prefix) ? key.slice(prefix.length) : key;
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textOf(values: OptionValues, option: string): string {
  const text = values.get(option)?.at(-1);
  if (text) return text;
  const { value = '' } = adoptCommand.options.find(({ name }) => name === option) ?? {};
  throw invalidOption(`argument missing: give --${option} <${value}>.`);
}

function reportText({ bytes, missing, shared, odd, failed, ...counts }: AdoptReport): string {
  return columns([
    ...Object.entries(counts).map(([name, count]) => [name, String(count)] as const),
    ['bytes', sizeText(bytes)],
    ...Object.entries({ missing, shared, odd, failed }).flatMap(([name, rows]) => [
      [name, String(rows.length)] as const,
      ...rows.map((row) => ['', rowText(row)] as const),
    ]),
  ]);
}

function rowText({ pk, key, reason }: LeftRow): string {
  return `${pk}: ${JSON.stringify(key)}${reason === undefined ? '' : `: ${reason}`}`;
}
