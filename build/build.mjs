// Builds the package. Comments are kept in the declarations, where editors show them, and removed from the JavaScript, which
// makes it a third smaller.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { bundlePackage } from './bundle.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
const compiled = 'dist/compiled';
rmSync('dist', { recursive: true, force: true });

async function tsc(...args) {
  const child = spawn(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`tsc ${args.join(' ')} failed with the errors above`);
}

const project = ['-p', 'build/tsconfig.library.json'];
await Promise.all([
  tsc(...project, '--emitDeclarationOnly'),
  tsc(...project, '--declaration', 'false', '--removeComments', '--noCheck'),
]);
const { exports, bin } = JSON.parse(readFileSync('package.json', 'utf8'));
const names = (files) => files.map((file) => /^\.\/dist\/esm\/(.+)\.js$/.exec(file)[1]);
const entries = names(Object.values(exports).flatMap((entry) => entry.import?.default ?? []));
await bundlePackage(compiled, [...entries, ...names(Object.values(bin))]);
rmSync(compiled, { recursive: true });
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
console.log('built dist');
