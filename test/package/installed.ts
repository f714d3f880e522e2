import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { FolderName } from './toolchains.js';

const run = promisify(execFile);
const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
const cache = path.resolve('var', 'compat');
const offline = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

/** The package as it would be published. */
export interface Packed {
  readonly file: string;
  readonly shasum: string;
}

/** Packs the built package. */
export function pack(): Packed {
  mkdirSync(cache, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', cache];
  const [{ filename, shasum }] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' })) as [
    { filename: string; shasum: string },
  ];
  return { file: path.join(cache, filename), shasum };
}

/**
 * Installs the packages of a folder of `compat/`, the packed package and the programs. Returns the folder; undefined if
 * there is no network and CI is not set. Installed packages stay in var/compat until the lock file changes.
 */
export async function install(name: FolderName, packed: Packed): Promise<string | undefined> {
  const manifests = ['package.json', 'package-lock.json'].map((file) => path.join('compat', name, file));
  const hash = createHash('sha256');
  for (const manifest of manifests) hash.update(readFileSync(manifest));
  const folder = path.join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`);
  try {
    if (!existsSync(path.join(folder, 'installed'))) {
      for (const old of readdirSync(cache)) {
        if (old.startsWith(`${name}-`)) rmSync(path.join(cache, old), { recursive: true });
      }
      mkdirSync(folder);
      for (const manifest of manifests) cpSync(manifest, path.join(folder, path.basename(manifest)));
      await run('npm', ['ci', ...quiet], { cwd: folder });
      writeFileSync(path.join(folder, 'installed'), '');
    }
    await installPacked(folder, packed);
  } catch (error) {
    if (process.env.CI || !offline.test(String(error))) throw error;
    return undefined;
  }
  copyPrograms(folder);
  return folder;
}

/** Installs the package with its dependencies, unless the same bytes are already installed. */
async function installPacked(folder: string, { file, shasum }: Packed): Promise<void> {
  const installed = path.join(folder, 'packed');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === shasum) return;
  rmSync(installed, { force: true });
  await run('npm', ['install', '--no-save', ...quiet, file], { cwd: folder });
  writeFileSync(installed, shasum);
}

/** Copies the programs to a folder of ESM and to a folder of CommonJS. */
function copyPrograms(folder: string): void {
  for (const file of ['tsconfig.json', 'bundle.mjs']) cpSync(path.join('compat', file), path.join(folder, file));
  for (const [kind, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ] as const) {
    const programs = path.join(folder, kind);
    rmSync(programs, { recursive: true, force: true });
    cpSync('compat/programs', programs, { recursive: true });
    writeRecipe(programs);
    writeFileSync(path.join(programs, 'package.json'), JSON.stringify({ type }));
  }
  for (const file of readdirSync('compat/programs').filter((name) => name.endsWith('.mjs'))) {
    rmSync(path.join(folder, 'cjs', file));
    const text = toCommonJs(readFileSync(path.join('compat/programs', file), 'utf8'));
    writeFileSync(path.join(folder, 'cjs', file.replace(/mjs$/, 'cjs')), text);
  }
}

/** The suites of docs/testing.md beside the entities of the programs: for `node:test`, and one for Jest and vitest. */
function writeRecipe(programs: string): void {
  const blocks = readFileSync('docs/testing.md', 'utf8').matchAll(/^```ts\n([^]+?)^```$/gm);
  const [suite = '', mikro = ''] = [...blocks].map(([, block = '']) => block);
  const current = mikro.replace('@mikro-orm/sqlite', '@mikro-orm/libsql').replace('createSchema()', 'create()');
  const withMikro = `import { Document } from './mikro-document';\n${current}`;
  writeFileSync(path.join(programs, 'recipe-mikro.node.ts'), withMikro);
  const recipe = `import { Document } from './document';\n${suite}`;
  writeFileSync(path.join(programs, 'recipe.node.ts'), recipe);
  const withGlobals = recipe.replace(/^import .+ from 'node:test';\n/m, '').replace(/^(before|after)\(/gm, '$1All(');
  writeFileSync(path.join(programs, 'recipe.test.ts'), withGlobals);
}

/** Rewrites a program to `require` and `exports`; sufficient for the programs of `compat/`. */
function toCommonJs(text: string): string {
  return text
    .replace(/^import (.+) from ('.+');$/gm, 'const $1 = require($2);')
    .replace(/require\('(\..+)\.mjs'\)/g, "require('$1.cjs')")
    .replace(/^export const (\w+) = (.+);$/gm, 'const $1 = (exports.$1 = $2);');
}

/** The version of a package in the manifest of a folder of `compat/`. */
export function versionOf(name: FolderName, dependency: string): string {
  const manifest = readFileSync(path.join('compat', name, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(manifest) as { dependencies: Readonly<Record<string, string>> };
  const version = dependencies[dependency];
  if (version === undefined) throw new Error(`compat/${name} does not install ${dependency}`);
  return version.replace(/^npm:.+@/, '');
}
