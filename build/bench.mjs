// Compiles the library and the benchmarks, then runs all of them, or those named as arguments. Uses loopback only.
import { execFileSync } from 'node:child_process';
import { freshLibrary } from './fresh.mjs';

const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
freshLibrary();
console.log('building the benchmarks …');
run('node_modules/typescript/bin/tsc', '-p', 'build/tsconfig.bench.json');
for (const name of process.argv.length > 2
  ? process.argv.slice(2)
  : ['object-view', 'insert', 'delivery', 'sweep', 'database']) {
  console.log('');
  run(`dist/bench/${name}.js`);
}
