// Compiles the library and the benchmarks, then runs them. Loopback only.
import { execFileSync } from 'node:child_process';

process.chdir(new URL('..', import.meta.url).pathname);
const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
run('build/build.mjs');
console.log('building the benchmarks …');
run('node_modules/typescript/bin/tsc', '-p', 'build/tsconfig.bench.json');
run('dist/bench/object-view.js');
