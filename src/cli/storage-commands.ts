import type { Files } from '../fields/files.js';
import type { Fence } from '../ledger/fence.js';
import type { StorageCondition } from '../ledger/status.js';
import { invalidOption } from '../options.js';
import type { Command, OptionValues } from './command.js';
import { dryRunOption, jsonOption } from './files-commands.js';
import { configOption, loadFiles } from './load-config.js';
import type { Terminal } from './terminal.js';

const options = [configOption, jsonOption, dryRunOption];

/** The commands by which a person settles what a database cannot know. */
export const storageCommands: readonly Command[] = [
  {
    name: 'moved',
    description:
      'says that the files of contested storages belong to this database: it was moved or restored, not copied',
    argument: { name: 'storage', required: false },
    options,
    run: (values, terminal) => take(values, terminal, 'contested'),
  },
  {
    name: 'copied',
    description:
      'says that this database is a copy: it leaves the files that it has to the original, and deletes only its own',
    options,
    run: copied,
  },
  {
    name: 'accept',
    description: 'says that a storage without a marker is the right one',
    argument: { name: 'storage', required: true },
    options,
    run: (values, terminal) => take(values, terminal, 'wrong'),
  },
  {
    name: 'forget',
    description: 'deletes the files of a column that is not in the database any more, after the grace',
    argument: { name: 'column', required: true },
    options: [...options, { name: 'force', description: 'also if the column exists, or may exist' }],
    run: forget,
  },
];

/** Takes the storages that have the condition, or those that are named and have it. */
async function take(values: OptionValues, terminal: Terminal, condition: StorageCondition): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const fence = fenceOf(files);
  const { storages } = await files.status();
  const named = values.get('storage');
  const unknown = named?.find((name) => !files.storages.has(name));
  if (unknown !== undefined) files.storages.resolve(unknown);
  const others = storages.filter((one) => named?.includes(one.storage) && one.condition !== condition);
  for (const other of others) {
    throw invalidOption(
      `The storage "${other.storage}" is not ${condition}: it is ${other.condition}. Nothing was changed.`,
    );
  }
  const taken = storages.filter((one) => one.condition === condition && (!named || named.includes(one.storage)));
  if (!values.has('dry-run')) for (const { storage } of taken) await fence.take(storage);
  return say(values, terminal, { storages: taken.map(({ storage }) => storage) }, (dry) =>
    taken.length === 0
      ? `No storage is ${condition}.`
      : `This database ${dry ? 'would go' : 'goes'} on in ${taken.map(({ storage }) => storage).join(', ')}. What was retired before is deleted after another fence.`,
  );
}

async function copied(values: OptionValues, terminal: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const fence = fenceOf(files);
  if (!values.has('dry-run')) await fence.leave();
  const { identity } = await files.status();
  return say(values, terminal, { identity }, (dry) =>
    dry
      ? `This database has the identity ${identity ?? 'none'}, and would get another one.`
      : `This database has the identity ${identity ?? 'none'} now. Files that it stored before are never deleted by it.`,
  );
}

async function forget(values: OptionValues, terminal: Terminal): Promise<number> {
  const files = await loadFiles(values.get('config')?.at(-1));
  const all = values.get('column')!;
  if (all.length > 1) throw invalidOption('Name one column, such as document.file.');
  const column = all[0]!;
  const count = await files.forget(column, { force: values.has('force'), dryRun: values.has('dry-run') });
  return say(
    values,
    terminal,
    { column, files: count },
    (dry) => `${count} files of ${column} ${dry ? 'would be' : 'are'} deleted after the grace.`,
  );
}

/** Prints the result. The sentence says what was done, or what a dry run would do. */
function say(
  values: OptionValues,
  { stdout }: Terminal,
  result: Readonly<Record<string, unknown>>,
  sentence: (dry: boolean) => string,
): number {
  const dryRun = values.has('dry-run');
  if (values.has('json')) stdout.write(`${JSON.stringify({ ...result, dryRun }, undefined, 2)}\n`);
  else stdout.write(`${sentence(dryRun)}\n`);
  return 0;
}

function fenceOf({ ledger }: Files): Fence {
  if (ledger.fence) return ledger.fence;
  throw invalidOption('There is no ledger, so no storage has a marker.');
}
