// Compiles the library and the benchmarks, then runs all of them, or those named as arguments. Uses loopback only. `--quick`
// makes `storages` small.
import { execFileSync } from 'node:child_process';
import { freshLibrary } from './fresh.mjs';

const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
freshLibrary();
console.log('building the benchmarks …');
run('node_modules/typescript/bin/tsc', '-p', 'build/tsconfig.bench.json');
const [flags, names] = [true, false].map((flag) =>
  process.argv.slice(2).filter((text) => text.startsWith('--') === flag),
);
const all = ['object-view', 'insert', 'delivery', 'sweep', 'database', 'storages'];
for (const name of names.length > 0 ? names : all) {
  console.log('');
  run(`dist/bench/${name}.js`, ...flags);
}
