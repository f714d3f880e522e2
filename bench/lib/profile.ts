import type { Profiler, Runtime } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import type { Measured, Side } from './compare.js';
import { cpuOfThread, ticksOf } from './cpu.js';
import type { Program } from './program.js';

/** Where the time of one side goes, in the unit of its cost: the largest part first. */
export type Profile = readonly (readonly [part: string, cost: number])[];

/** Parts that are smaller than this share of the whole are put together. */
const least = 0.02;

/** Lets the program that started this one ask where its time goes. */
export function serveProfiles(): void {
  const session = new Session();
  const steps: Readonly<Record<string, () => Promise<object>>> = {
    async start() {
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: 200 });
      await session.post('Profiler.start');
      return {};
    },
    async stop() {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return sharesOf(profile);
    },
  };
  process.on('message', ({ profile }: { readonly profile?: string }) => {
    if (profile !== undefined) void steps[profile]!().then((reply) => process.send!(reply));
  });
}

/** Shares of the time in which the thread was busy, by packages. */
export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Readonly<Record<string, number>> {
  const parts = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]));
  const times: Record<string, number> = {};
  let total = 0;
  samples.forEach((id, index) => {
    const part = parts.get(id);
    if (part === undefined) return;
    times[part] = (times[part] ?? 0) + timeDeltas[index]!;
    total += timeDeltas[index]!;
  });
  return Object.fromEntries(Object.entries(times).map(([part, time]) => [part, time / total]));
}

/** Undefined for time in which nothing runs. */
function partOf({ functionName, url }: Runtime.CallFrame): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return 'native code and system calls';
  if (url.startsWith('node:')) return 'JavaScript of Node';
  const packages = [...url.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)];
  return packages.at(-1)?.[1] ?? (/dist\/(?:cjs|esm)\//.test(url) ? 'filefield' : 'what is written by hand');
}

/** What the cost of a side is made of, from one more run in which it is watched. Undefined where nobody can tell. */
export async function profileOf(
  { name, program, sample, partsOf }: Side,
  { cost }: Measured,
): Promise<Profile | undefined> {
  if (partsOf) return partsOf(cost.median);
  if (!program) return undefined;
  const shares = await (program.answers ? nodeShares(program, sample) : kernelShares(name, program, sample));
  return profileFrom(shares, cost.median);
}

/** A cost by its shares. */
export function profileFrom(shares: Readonly<Record<string, number>>, cost: number): Profile {
  const parts = Object.entries(shares);
  const large = parts.filter(([, share]) => share >= least).sort(([, one], [, other]) => other - one);
  const rest = 1 - large.reduce((sum, [, share]) => sum + share, 0);
  const all = rest > 0.0005 ? [...large, ['all others', rest] as const] : large;
  return all.map(([part, share]) => [part, share * cost]);
}

async function nodeShares(program: Program, sample: Side['sample']): Promise<Readonly<Record<string, number>>> {
  await program.ask({ profile: 'start' });
  const [all, main] = [program.cpu, cpuOfThread(program.pid)];
  await sample();
  const inMain = (cpuOfThread(program.pid) - main) / (program.cpu - all);
  const shares = (await program.ask({ profile: 'stop' })) as Readonly<Record<string, number>>;
  const parts = Object.entries(shares).map(([part, share]) => [part, share * inMain] as const);
  return { ...Object.fromEntries(parts), 'other threads': 1 - inMain };
}

/** Of a program that is not Node. */
async function kernelShares(
  name: string,
  { family }: Program,
  sample: Side['sample'],
): Promise<Readonly<Record<string, number>>> {
  const ran = () => {
    const all = family.map(ticksOf);
    return {
      own: all.reduce((sum, { own }) => sum + own, 0),
      kernel: all.reduce((sum, { kernel }) => sum + kernel, 0),
    };
  };
  const before = ran();
  await sample();
  const after = ran();
  const [own, kernel] = [after.own - before.own, after.kernel - before.kernel];
  const share = own / Math.max(1, own + kernel);
  return { 'the kernel': 1 - share, [name]: share };
}
