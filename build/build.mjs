// Builds ESM and CommonJS, each with its declarations. Comments are kept in the declarations, where editors show them, and
// removed from the JavaScript, which makes it a third smaller. Declarations that no entry of the package leads to are deleted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

process.chdir(new URL('..', import.meta.url).pathname);
rmSync('dist', { recursive: true, force: true });

async function tsc(...args) {
  const child = spawn(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`tsc ${args.join(' ')} failed with the errors above`);
}

async function build(kind) {
  const project = `build/tsconfig.${kind}.json`;
  await tsc('-p', project, '--emitDeclarationOnly');
  await tsc('-p', project, '--declaration', 'false', '--removeComments', '--noCheck');
  removeUnreachable(kind === 'esm' ? 'import' : 'require', path.resolve('dist', kind));
  console.log(`built ${kind}`);
}

/** Deletes the declarations that a program which imports every entry of the package does not read. */
function removeUnreachable(condition, folder) {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  const entries = Object.values(exports).flatMap((entry) => entry[condition]?.types ?? []);
  const { NodeNext } = ts.ModuleKind;
  const program = ts.createProgram(entries, { module: NodeNext, skipLibCheck: true, noLib: true, types: [] });
  const read = new Set(program.getSourceFiles().map(({ fileName }) => path.resolve(fileName)));
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if (file.endsWith('.d.ts') && !read.has(file)) rmSync(file);
  }
}

await Promise.all([build('esm'), build('cjs')]);
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
