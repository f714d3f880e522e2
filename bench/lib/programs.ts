import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Benchmarks that print tables of their own and keep no figures; those that are there. */
export const programs = ['database', 'storages'].filter((name) => existsSync(fileOf(name)));

/** Runs one on all cores. */
export function runProgram(name: string, options: readonly string[]): void {
  console.log(`\n## ${name}\n`);
  const all = ['taskset', '-c', `0-${availableParallelism() - 1}`, process.execPath];
  const [command = '', ...args] = [...all, fileOf(name), ...options];
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${name} has failed.`);
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`../${name}.js`, import.meta.url));
}
