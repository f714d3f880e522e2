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
const passing = { code: 0, stdout: expect.stringMatching(/^memory +ok +write/), stderr: '' };

/** A new folder with these files. */
function folderWith(files: Readonly<Record<string, string>>): Folder {
  const folder = commandFolder();
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return folder;
}

describe('loadConfig', () => {
  const folders = {
    'filefield.config.js': folderWith({ 'filefield.config.js': esm }),
    'filefield.config.mjs': folderWith({ 'filefield.config.mjs': esm }),
    'filefield.config.cjs': folderWith({ 'filefield.config.cjs': cjs }),
    'a default export': folderWith({
      'filefield.config.js': `${esm.replace('export ', '')} export default { storages };`,
    }),
  };
  it.each(Object.entries(folders))('loads %s', async (_name, folder) => {
    expect(await folder.run(['doctor'])).toEqual(passing);
  });

  const named = folderWith({ 'deploy/files.mjs': esm, 'filefield.config.js': 'throw new Error("not this one")' });
  it('loads only the file that --config names', async () => {
    expect(await named.run(['doctor', '--config', 'deploy/files.mjs'])).toEqual(passing);
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
  it('loads TypeScript with a loader', async () => {
    const options = { NODE_OPTIONS: `--no-deprecation --import ${pathToFileURL(`${typed.path}/loader.mjs`).href}` };
    expect(await typed.run(['doctor'], options)).toEqual(passing);
  });

  it('names the versions and loaders for TypeScript when Node does not run it', async () => {
    const strips = Boolean((process.features as { typescript?: unknown }).typescript);
    const refused = { code: 2, stdout: '', stderr: expect.stringMatching(/does not run .*Node 22\.18.*--import tsx/s) };
    expect(await typed.run(['doctor'])).toEqual(strips ? passing : refused);
  });

  const faults: [string, Readonly<Record<string, string>>, readonly string[], RegExp][] = [
    ['a missing file', {}, [], /There is no filefield\.config\.\{js,mjs,cjs,ts\} in .*exports "storages"/],
    ['a missing file of --config', {}, ['--config', 'nowhere.mjs'], /There is no file .*nowhere\.mjs/],
    ['a folder', { 'x/y': '' }, ['--config', 'x'], /There is no file .*\/x:/],
    [
      'a file without exports',
      { 'filefield.config.js': '' },
      [],
      /must export "storages".*"checks".*"files".*; it exports nothing/,
    ],
    ['other exports', { 'filefield.config.js': 'export const storage = 1;' }, [], /it exports storage\./],
    [
      'storages that are not a registry',
      { 'filefield.config.js': 'export const storages = {};' },
      [],
      /must be a StorageRegistry/,
    ],
    [
      'a check that is not one',
      { 'filefield.config.js': 'export const checks = { a: { run() {} }, b: 7 };' },
      [],
      /"checks\.b" of .* must be a check, .*storageCheck/,
    ],
    [
      'checks that are not an object',
      { 'filefield.config.js': 'export const checks = () => 1;' },
      [],
      /"checks" of .* must be an object of checks/,
    ],
    [
      'a syntax error in ESM',
      { 'filefield.config.mjs': 'export const a = 1;\nexport const b = ;' },
      [],
      /filefield\.config\.mjs:2\n.*b = ;[^]*SyntaxError: Unexpected token/,
    ],
    [
      'a syntax error in CommonJS',
      { 'filefield.config.cjs': 'const a = 1;\nconst b = ;' },
      [],
      /filefield\.config\.cjs:2\n.*b = ;[^]*SyntaxError: Unexpected token/,
    ],
    [
      'a syntax error in an imported file',
      { 'filefield.config.mjs': 'import "./other.mjs";', 'other.mjs': 'const = 1;' },
      [],
      /in a file that it imports/,
    ],
    [
      'an import of a name that does not exist',
      { 'filefield.config.mjs': 'import { Nothing } from "filefield";' },
      [],
      /filefield\.config\.mjs:1\n[^]*does not provide an export named 'Nothing'/,
    ],
    [
      'an import of a package that is not installed',
      { 'filefield.config.mjs': 'import "no-such-package";' },
      [],
      /threw an error while it was loaded[^]*no-such-package/,
    ],
  ];
  const prepared = faults.map(([title, files, args, sentence]) => [title, folderWith(files), args, sentence] as const);
  it.each(prepared)('exits with 2 and a sentence for %s', async (_fault, folder, args, sentence) => {
    const { code, stdout, stderr } = await folder.run(['doctor', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    // No stack trace of this package.
    expect(stderr).not.toMatch(/dist\/esm\/cli/);
  });

  const throwing = folderWith({
    'filefield.config.js': 'function connect() {\n  throw new Error("no database");\n}\nconnect();',
  });
  it('prints the stack of an error that the file throws', async () => {
    const { code, stderr } = await throwing.run(['doctor']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/threw an error while it was loaded[^]*no database\n +at connect .*config\.js:2/);
  });

  const waiting = folderWith({ 'filefield.config.js': 'await new Promise(() => undefined);' });
  it('exits with 2 when the file never finishes loading', async () => {
    expect(await waiting.run(['doctor'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/did not finish loading/),
    });
  });

  const ending = commandFolder();
  const slow = `export const checks = { a: { run: () => new Promise(() => undefined) } };`;
  it.each([
    ['while it is loaded', 'process.exit(0);', /ended by process\.exit\(\)/],
    ['while checks run', `${slow} setTimeout(() => process.exit(0), 20);`, /ended by process\.exit\(\)/],
  ])('exits with 2 when the file calls process.exit(0) %s', async (_when, text, sentence) => {
    const { code, stdout, stderr } = await ending.run(['doctor', '--config', ending.write('ending.mjs', text)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  it.each([
    ['a timer', `${slow} setTimeout(() => { throw new Error('later'); }, 20);`],
    ['a promise', `${slow} setTimeout(() => void Promise.reject(new Error('later')), 20);`],
  ])('exits with 2 and the stack when %s of the file fails later', async (_what, text) => {
    const { code, stdout, stderr } = await ending.run(['doctor', '--config', ending.write('ending.mjs', text)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^filefield: An error was thrown that nothing handles\.\nError: later\n +at .*ending\.mjs/);
  });

  const holding = folderWith({ 'filefield.config.js': `${esm} setInterval(() => undefined, 1000);` });
  it('exits although the file keeps a timer running', async () => {
    expect(await holding.run(['doctor'])).toEqual(passing);
  });
});
