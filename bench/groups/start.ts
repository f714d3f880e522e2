import { execFile } from 'node:child_process';
import type { Profiler } from 'node:inspector';
import { promisify } from 'node:util';
import type { Group, Row, Settings, Side } from '../lib/compare.js';
import { profileFrom, sharesOf } from '../lib/profile.js';

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
  const ways = {
    esm: { flag: '--input-type=module', load: (name: string) => `await import('${name}');` },
    cjs: { flag: '--input-type=commonjs', load: (name: string) => `require('${name}');` },
  };
  return (['esm', 'cjs'] as const).slice(0, quick ? 1 : 2).map((way) => {
    const { flag, load } = ways[way];
    const imports: Imports = { first: peers.map(load).join(''), second: load(`filefield/${entry}`) };
    const cost = async (of: 'first' | 'second') => ({ cost: (await run(flag, timed(imports, of))) as number });
    const partsOf = async (of: number) =>
      profileFrom(sharesOf((await run(flag, profiled(imports))) as Profiler.Profile), of);
    const warm = async () => undefined;
    const ours: Side = { name: `filefield/${entry}`, warm, sample: () => cost('second'), partsOf };
    const peer: Side = { name: entry, warm, sample: () => cost('first') };
    return { ...{ name: `start/${entry}/${way}`, unit: 'ms', limit: 20, note }, ours, peer };
  });
}

/** Runs a program that prints JSON. */
async function run(flag: string, program: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [flag, '-e', program], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout);
}

/** Statements. After the first ones a program waits until threads that optimise and collect garbage have nothing left to do. */
interface Imports {
  readonly first: string;
  readonly second: string;
}

/** A program that prints the milliseconds that all its threads ran for one of two imports. */
function timed({ first, second }: Imports, of: 'first' | 'second'): string {
  const now = 'const now = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };';
  const print = `const c = now(); console.log(${of === 'first' ? 'b - a' : 'c - b'});`;
  return `${now} const a = now(); ${first} setTimeout(async () => { const b = now(); ${second} ${print} }, 1000);`;
}

/** A program that prints the profile of the second import. */
function profiled({ first, second }: Imports): string {
  const start = [
    "const { Session } = await import('node:inspector/promises'); const session = new Session(); session.connect();",
    "await session.post('Profiler.enable'); await session.post('Profiler.setSamplingInterval', { interval: 100 });",
    "await session.post('Profiler.start');",
  ].join('');
  const print = "console.log(JSON.stringify((await session.post('Profiler.stop')).profile));";
  return `${first} setTimeout(async () => { ${start} ${second} ${print} }, 1000);`;
}
