// Compiles the library and the benchmarks and runs them on core 0; what they measure runs on core 1. Arguments choose rows by
// the beginnings of their names. `--quick` makes runs short; `--write` keeps the figures in bench/results.json,
// docs/speed.md and docs/bench. `guard` compares one figure with the one that is kept.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { freshLibrary } from './fresh.mjs';

if (!existsSync('/proc/self/schedstat')) {
  console.error('The benchmarks read the processor time of processes in /proc: run them on Linux.');
  process.exit(1);
}
freshLibrary();
run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', 'build/tsconfig.bench.json');
const pinned = availableParallelism() > 1 ? ['taskset', '-c', '0'] : [];
run(...pinned, process.execPath, '--enable-source-maps', 'dist/bench/main.js', ...process.argv.slice(2));

function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
