import { pathToFileURL } from 'node:url';
import { commandFolder, type Folder } from './run-filefield.js';

const esm = `
import { StorageRegistry } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
export const storages = new StorageRegistry({ memory: new MemoryStorage() });
`;
const cjs = `
const { StorageRegistry } = require('filefield');
const { MemoryStorage } = require('filefield/storages/memory');
module.exports = { storages: new StorageRegistry({ memory: new MemoryStorage() }) };
`;
const inOrder = { code: 0, stdout: expect.stringMatching(/^memory +ok +write/), stderr: '' };

/** Each in a folder of its own. */
function folderWith(files: Readonly<Record<string, string>>): Folder {
  const folder = commandFolder();
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return folder;
}

describe('the configuration of the command', () => {
  const folders = {
    'filefield.config.js': folderWith({ 'filefield.config.js': esm }),
    'filefield.config.mjs': folderWith({ 'filefield.config.mjs': esm }),
    'filefield.config.cjs': folderWith({ 'filefield.config.cjs': cjs }),
    'a default export': folderWith({
      'filefield.config.js': `${esm.replace('export ', '')} export default { storages };`,
    }),
  };
  it.each(Object.entries(folders))('may be %s', async (_name, folder) => {
    expect(await folder.run(['doctor'])).toEqual(inOrder);
  });

  const named = folderWith({ 'deploy/files.mjs': esm, 'filefield.config.js': 'throw new Error("not this one")' });
  it('may have another name, and then no other is loaded', async () => {
    expect(await named.run(['doctor', '--config', 'deploy/files.mjs'])).toEqual(inOrder);
  });

  const typed = folderWith({
    'filefield.config.ts': `${esm}export const checks: Readonly<Record<string, never>> = {};`,
    'hooks.mjs': `import { readFileSync } from 'node:fs';
      import ts from 'typescript';
      export async function load(url, context, next) {
        if (!url.endsWith('.ts')) return next(url, context);
        const options = { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } };
        const source = ts.transpileModule(readFileSync(new URL(url), 'utf8'), options).outputText;
        return { format: 'module', shortCircuit: true, source };
      }`,
    'loader.mjs': `import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);`,
  });
  it('may be TypeScript where a loader is active', async () => {
    const options = { NODE_OPTIONS: `--no-deprecation --import ${pathToFileURL(`${typed.path}/loader.mjs`).href}` };
    expect(await typed.run(['doctor'], options)).toEqual(inOrder);
  });

  it('says what to do where Node does not run TypeScript', async () => {
    const strips = Boolean((process.features as { typescript?: unknown }).typescript);
    const refused = { code: 2, stdout: '', stderr: expect.stringMatching(/does not run .*Node 22\.18.*--import tsx/s) };
    expect(await typed.run(['doctor'])).toEqual(strips ? inOrder : refused);
  });

  const broken: [string, Readonly<Record<string, string>>, readonly string[], RegExp][] = [
    ['is missing', {}, [], /There is no filefield\.config\.\{js,mjs,cjs,ts\} in .*exports "storages"/],
    ['is missing where --config says', {}, ['--config', 'nowhere.mjs'], /There is no file .*nowhere\.mjs/],
    ['is a folder', { 'x/y': '' }, ['--config', 'x'], /There is no file .*\/x;/],
    ['exports nothing', { 'filefield.config.js': '' }, [], /neither "storages".*nor "checks".*; it exports nothing/],
    ['exports something else', { 'filefield.config.js': 'export const storage = 1;' }, [], /it exports storage\./],
    [
      'exports a storage for the registry',
      { 'filefield.config.js': 'export const storages = {};' },
      [],
      /must be a StorageRegistry/,
    ],
    [
      'exports checks that are none',
      { 'filefield.config.js': 'export const checks = { a: { run() {} }, b: 7 };' },
      [],
      /"checks\.b" of .*storageCheck/,
    ],
    [
      'exports a check for the checks',
      { 'filefield.config.js': 'export const checks = () => 1;' },
      [],
      /"checks" of .* is not what it should be/,
    ],
    [
      'is no JavaScript (ESM)',
      { 'filefield.config.mjs': 'export const a = 1;\nexport const b = ;' },
      [],
      /filefield\.config\.mjs:2\n.*b = ;[^]*SyntaxError: Unexpected token/,
    ],
    [
      'is no JavaScript (CommonJS)',
      { 'filefield.config.cjs': 'const a = 1;\nconst b = ;' },
      [],
      /filefield\.config\.cjs:2\n.*b = ;[^]*SyntaxError: Unexpected token/,
    ],
    [
      'imports what is no JavaScript',
      { 'filefield.config.mjs': 'import "./other.mjs";', 'other.mjs': 'const = 1;' },
      [],
      /in a file that it imports/,
    ],
    [
      'imports a name that is not there',
      { 'filefield.config.mjs': 'import { Nothing } from "filefield";' },
      [],
      /filefield\.config\.mjs:1\n[^]*does not provide an export named 'Nothing'/,
    ],
    [
      'imports what is not installed',
      { 'filefield.config.mjs': 'import "no-such-package";' },
      [],
      /failed while it was loaded[^]*no-such-package/,
    ],
  ];
  const prepared = broken.map(([title, files, args, said]) => [title, folderWith(files), args, said] as const);
  it.each(prepared)('says what is wrong where it %s', async (_title, folder, args, said) => {
    const { code, stdout, stderr } = await folder.run(['doctor', ...args]);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(said)]);
    // Nobody has to look at our own code.
    expect(stderr).not.toMatch(/dist\/esm\/cli/);
  });

  const throwing = folderWith({
    'filefield.config.js': 'function connect() {\n  throw new Error("no database");\n}\nconnect();',
  });
  it('shows where it failed when it throws', async () => {
    const { code, stderr } = await throwing.run(['doctor']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/failed while it was loaded[^]*no database\n +at connect .*config\.js:2/),
    ]);
  });

  const waiting = folderWith({ 'filefield.config.js': 'await new Promise(() => undefined);' });
  it('does not look like success when it waits for ever', async () => {
    expect(await waiting.run(['doctor'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/waits for something/),
    });
  });

  const holding = folderWith({ 'filefield.config.js': `${esm} setInterval(() => undefined, 1000);` });
  it('may hold connections open: the command ends all the same', async () => {
    expect(await holding.run(['doctor'])).toEqual(inOrder);
  });
});
