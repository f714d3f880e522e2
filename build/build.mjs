// Builds ESM and CommonJS, each with its declarations. Comments are kept in the declarations, where editors show them, and
// removed from the JavaScript, which makes it a third smaller.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';

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
  console.log(`built ${kind}`);
}

await Promise.all([build('esm'), build('cjs')]);
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
