import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Group, Row, Settings, Side } from '../lib/compare.js';

const run = promisify(execFile);

/** What each entry point needs anyway, with its own copy of reflect-metadata where it has one. */
const entries = { typeorm: ['reflect-metadata', 'typeorm'], express: ['express'] } as const;

/** Processor time of the import of the library, in a new process that has imported the ORM or framework already. */
export const startGroup: Group = {
  name: 'start',
  title: 'Import of the library, after that of what it needs',
  rounds: 3,
  open: async (settings) => ({
    rows: Object.keys(entries).flatMap((entry) => rowsOf(entry, settings)),
    close: async () => undefined,
  }),
};

function rowsOf(entry: string, { quick }: Settings): readonly Row[] {
  const peers = entries[entry as keyof typeof entries];
  const note = `in a new process, after the import of ${peers.join(' and ')}, which takes the time on the other side`;
  const side = (name: string, program: (of: string) => string, flags: readonly string[]): Side => {
    const sample = async () => {
      const { stdout } = await run(process.execPath, [...flags, '-e', program(name)]);
      return { cost: Number(stdout) };
    };
    return { name, warm: async () => undefined, sample };
  };
  const cjs = (of: string) => {
    const load = (names: readonly string[]) => names.map((name) => `require('${name}');`).join('');
    return timed(load(peers), load([`filefield/${entry}`]), of === entry);
  };
  const esm = (of: string) => {
    const load = (names: readonly string[]) => names.map((name) => `await import('${name}');`).join('');
    return timed(load(peers), load([`filefield/${entry}`]), of === entry);
  };
  const rows = [
    { name: `start/${entry}/esm`, program: esm, flags: ['--input-type=module'] },
    { name: `start/${entry}/cjs`, program: cjs, flags: ['--input-type=commonjs'] },
  ];
  return rows.slice(0, quick ? 1 : 2).map(({ name, program, flags }) => ({
    ...{ name, unit: 'ms', limit: 20, note },
    ...{ ours: side(`filefield/${entry}`, program, flags), peer: side(entry, program, flags) },
  }));
}

/**
 * A program that prints the milliseconds that all its threads ran for one of two imports. After the first one it waits until
 * threads that optimise and collect garbage have nothing left to do for it.
 */
function timed(needed: string, ours: string, isNeeded: boolean): string {
  const now = 'const now = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };';
  const print = `const c = now(); console.log(${isNeeded ? 'b - a' : 'c - b'});`;
  return `${now} const a = now(); ${needed} setTimeout(async () => { const b = now(); ${ours} ${print} }, 1000);`;
}
