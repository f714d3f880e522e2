import type { Sample, Side } from './compare.js';
import type { Program } from './program.js';
import { ready } from './ready.js';

/** What a program can be asked to do. */
export interface Work {
  /** What must be there first; not measured. */
  prepare?: (() => Promise<unknown>) | undefined;
  /** Does it so many times, so many at once. */
  run(count: number, parallel: number): Promise<unknown>;
  /** Deletes what it has made; not measured. */
  clean?: (() => Promise<unknown>) | undefined;
}

/** A part of work by itself, which is repeated. */
export function each(
  once: (index: number) => Promise<unknown>,
  { prepare, clean }: Pick<Work, 'prepare' | 'clean'> = {},
): Work {
  let total = 0;
  const run = async (count: number, parallel: number) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await once((total += 1));
    };
    await Promise.all(Array.from({ length: parallel }, worker));
  };
  return { prepare, run, clean };
}

interface Order {
  readonly job: string;
  readonly step: keyof Work;
  readonly count: number;
  readonly parallel: number;
}

/** Offers work to the program that started this one. */
export function serveJobs(jobs: Readonly<Record<string, Work>>): void {
  process.on('message', (message) => {
    if (!('job' in (message as object))) return;
    const { job, step, count, parallel } = message as Order;
    const work = async () => {
      const start = performance.now();
      await jobs[job]![step]?.(count, parallel);
      return { seconds: (performance.now() - start) / 1000 };
    };
    work().then(
      (reply) => process.send!(reply),
      (error: Error) => process.send!({ error: error.stack }),
    );
  });
  ready({});
}

export interface JobOptions {
  readonly name: string;
  readonly program: Program;
  readonly job: string;
  /** How many times a run does it. */
  readonly count: number;
  /** How many times the run before does it, which does not count. @default half of `count` */
  readonly warmUp?: number;
  /** @default 1 */
  readonly parallel?: number;
  /** How much one time counts in the cost and the rate. @default 1 */
  readonly weight?: number;
  /** Whether the cost is what a clock shows, in ms: for work that is mostly another program's. @default false */
  readonly byClock?: boolean;
}

/** A job of a program. The cost is the time that the program has run, in µs. */
export function jobOf(options: JobOptions): Side {
  const {
    name,
    program,
    job,
    count,
    warmUp = Math.ceil(count / 2),
    parallel = 1,
    weight = 1,
    byClock = false,
  } = options;
  const ask = (step: keyof Work, times: number) => program.ask({ job, step, count: times, parallel } satisfies Order);
  const run = async (times: number): Promise<Sample> => {
    await ask('prepare', times);
    const before = program.cpu;
    const seconds = (await ask('run', times)).seconds as number;
    const time = byClock ? seconds * 1000 : program.cpu - before;
    await ask('clean', times);
    return { cost: time / times / weight, rate: (times * weight) / seconds };
  };
  return { name, program, warm: () => run(warmUp), sample: () => run(count) };
}
