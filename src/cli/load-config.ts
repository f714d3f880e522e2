import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { FileFieldError } from '../errors.js';
import type { Check } from '../health/check.js';
import type { StorageRegistry } from '../file/registry.js';

/** What a `filefield.config` file exports, by name or as properties of its default export. */
export interface Config {
  readonly storages?: StorageRegistry;
  readonly checks?: Readonly<Record<string, Check>>;
  /** Absolute path of the file. */
  readonly file: string;
}

const endings = ['js', 'mjs', 'cjs', 'ts'];

/**
 * Loads the configuration from the working directory, or from the file that is named. Throws `invalid_option` with a
 * sentence that says what to do; what the file itself threw is the cause.
 */
export async function loadConfig(named?: string): Promise<Config> {
  const file = findConfig(named);
  const found = await imported(file);
  // Named exports of CommonJS are guessed by Node, and sometimes not found.
  const { storages, checks } = { ...plain(found.default), ...found };
  if (storages === undefined && checks === undefined) {
    const names = Object.keys({ ...plain(found.default), ...found }).filter((name) => name !== 'default');
    throw refused(
      `${file} exports neither "storages", a StorageRegistry, nor "checks", an object of checks; it exports ${names.join(', ') || 'nothing'}.`,
    );
  }
  if (storages !== undefined && !isRegistry(storages)) {
    throw refused(`"storages" of ${file} must be a StorageRegistry: new StorageRegistry({ documents: … }).`);
  }
  if (checks !== undefined) checkChecks(checks, file);
  return { storages: storages as Config['storages'], checks: checks as Config['checks'], file };
}

function findConfig(named: string | undefined): string {
  if (named !== undefined) {
    const file = path.resolve(named);
    if (existsSync(file) && statSync(file).isFile()) return file;
    throw refused(`There is no file ${file}; --config names the configuration.`);
  }
  const files = endings.map((ending) => path.resolve(`filefield.config.${ending}`));
  const file = files.find((one) => existsSync(one));
  if (file) return file;
  throw refused(
    `There is no filefield.config.{${endings.join(',')}} in ${process.cwd()}: make one that exports "storages", your StorageRegistry, or name it with --config.`,
  );
}

async function imported(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    if (code(cause) === 'ERR_UNKNOWN_FILE_EXTENSION' && file.endsWith('.ts')) {
      throw refused(
        `Node ${process.versions.node} does not run ${file}: use Node 22.18 or later, or start with a loader, as in NODE_OPTIONS="--import tsx" filefield …, or write it in JavaScript.`,
      );
    }
    if (cause instanceof SyntaxError) throw refused(`${file} cannot be read: ${syntaxFault(file, cause)}`);
    throw refused(`${file} failed while it was loaded.`, cause);
  }
}

/** Node tells of a syntax error in a module without saying where, unless it is only to check it. */
function syntaxFault(file: string, error: SyntaxError): string {
  const told = error.stack ?? error.message;
  if (!told.startsWith('SyntaxError')) return told.replace(/\n +at [^]*$/, '');
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const place = /^([^]*?SyntaxError: .*)$/m.exec(stderr ?? '')?.[1];
  return place ?? `${error.message}, in a file that it imports.`;
}

function checkChecks(checks: unknown, file: string): void {
  const wrong = Object.entries(plain(checks)).find(([, check]) => typeof plain(check).run !== 'function');
  if (typeof checks !== 'object' || wrong) {
    const which = wrong ? `"checks.${wrong[0]}"` : '"checks"';
    throw refused(
      `${which} of ${file} is not what it should be: checks: { documents: storageCheck(documents) }, from filefield/health.`,
    );
  }
}

/** Another copy of the package may have made it. */
function isRegistry(value: unknown): boolean {
  const { resolve, names } = plain(value) as { resolve?: unknown; names?: unknown };
  return typeof resolve === 'function' && Array.isArray(names);
}

function plain(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function code(error: unknown): unknown {
  return plain(error).code;
}

function refused(sentence: string, cause?: unknown): FileFieldError {
  return new FileFieldError('invalid_option', sentence, { cause });
}
