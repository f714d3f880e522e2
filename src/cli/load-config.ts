import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Files } from '../fields/files.js';
import type { StorageRegistry } from '../file/registry.js';
import type { Check } from '../health/check-result.js';
import { invalidOption } from '../options.js';
import type { CommandOption } from './command.js';

const extensions = ['js', 'mjs', 'cjs', 'ts'];
const defaultName = `filefield.config.{${extensions.join(',')}}`;

/** The option that names the configuration. */
export const configOption: CommandOption = {
  name: 'config',
  short: 'c',
  value: 'file',
  description: `the configuration (default: ${defaultName} in the working directory)`,
};

/** The exports of the configuration, by name or as properties of the default export. */
export interface Config {
  readonly storages?: StorageRegistry;
  readonly checks?: Readonly<Record<string, Check>>;
  /** What `attachFiles` returned: a `Files`, a promise of one, or a function that returns one of these. */
  readonly files?: unknown;
  /** Absolute path of the file. */
  readonly file: string;
}

/**
 * Loads the configuration from a file, by default from the working directory. Throws `invalid_option` with a sentence that
 * says what to do; an error that the file throws is the cause.
 */
export async function loadConfig(name?: string): Promise<Config> {
  const file = findConfig(name);
  const module = await importFile(file);
  // Node detects named exports of CommonJS by a heuristic, which can miss some; the default export has all of them.
  const { storages, checks, files } = { ...record(module.default), ...module };
  if (storages === undefined && checks === undefined && files === undefined) {
    const names = Object.keys({ ...record(module.default), ...module }).filter((one) => one !== 'default');
    throw invalidOption(
      `${file} must export "storages", a StorageRegistry, "checks", an object of checks, or "files", what attachFiles() returned; it exports ${names.join(', ') || 'nothing'}.`,
    );
  }
  if (storages !== undefined && !isRegistry(storages)) {
    throw invalidOption(`"storages" of ${file} must be a StorageRegistry: new StorageRegistry({ documents: … }).`);
  }
  if (checks !== undefined) checkChecks(checks, file);
  return { storages: storages as Config['storages'], checks: checks as Config['checks'], files, file };
}

/** The files of the configuration, attached to its database. Throws `invalid_option`. */
export async function loadFiles(name?: string): Promise<Files> {
  return attachedFiles(await loadConfig(name));
}

/** Throws `invalid_option` unless the configuration exports files. */
export async function attachedFiles({ files, file }: Config): Promise<Files> {
  let attached: unknown;
  try {
    attached = await (typeof files === 'function' ? (files as () => unknown)() : files);
  } catch (cause) {
    throw invalidOption(`"files" of ${file} could not be attached to the database.`, cause);
  }
  // Not `instanceof`: the configuration may import another copy of this package.
  const { sweep, ledger } = record(attached);
  if (typeof sweep === 'function' && ledger !== undefined) return attached as Files;
  throw invalidOption(
    `${file} must export "files": what attachFiles() returned, a promise of it, or a function that returns it.`,
  );
}

function findConfig(name: string | undefined): string {
  if (name !== undefined) {
    const file = path.resolve(name);
    if (existsSync(file) && statSync(file).isFile()) return file;
    throw invalidOption(`There is no file ${file}: --config must name the configuration.`);
  }
  const files = extensions.map((extension) => path.resolve(`filefield.config.${extension}`));
  const file = files.find((one) => existsSync(one));
  if (file) return file;
  throw invalidOption(
    `There is no ${defaultName} in ${process.cwd()}: create one that exports "storages", your StorageRegistry, or name it with --config.`,
  );
}

async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    if (record(cause).code === 'ERR_UNKNOWN_FILE_EXTENSION' && file.endsWith('.ts')) {
      throw invalidOption(
        `Node ${process.versions.node} does not run ${file}: use Node 22.18 or later, use a loader, such as NODE_OPTIONS="--import tsx" filefield …, or write the configuration in JavaScript.`,
      );
    }
    if (cause instanceof SyntaxError) throw invalidOption(`${file} cannot be parsed: ${syntaxError(file, cause)}`);
    throw invalidOption(`${file} threw an error while it was loaded.`, cause);
  }
}

/** The text of a syntax error with its line. Node shows no line for an error in a module, except with --check. */
function syntaxError(file: string, error: SyntaxError): string {
  const text = error.stack ?? error.message;
  if (!text.startsWith('SyntaxError')) return text.replace(/\n +at [^]*$/, '');
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const excerpt = /^([^]*?SyntaxError: .*)$/m.exec(stderr ?? '')?.[1];
  return excerpt ?? `${error.message}, in a file that it imports.`;
}

function checkChecks(checks: unknown, file: string): void {
  const wrong = Object.entries(record(checks)).find(([, check]) => typeof record(check).run !== 'function');
  if (typeof checks === 'object' && !wrong) return;
  const name = wrong
    ? `"checks.${wrong[0]}" of ${file} must be a check`
    : `"checks" of ${file} must be an object of checks`;
  throw invalidOption(`${name}, such as { documents: storageCheck(documents) } with storageCheck of filefield/health.`);
}

/** Not `instanceof`: the configuration may import another copy of this package. */
function isRegistry(value: unknown): boolean {
  const { resolve, names } = record(value) as { resolve?: unknown; names?: unknown };
  return typeof resolve === 'function' && Array.isArray(names);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
