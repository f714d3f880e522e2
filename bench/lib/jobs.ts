import type { Sample, Side } from './compare.js';
import type { Program } from './program.js';
import { ready } from './ready.js';

/** What a program can be asked to do. */
export interface Work {
  /** Does it so many times, so many at once. */
  run(count: number, parallel: number): Promise<unknown>;
  /** Deletes what it has made; not measured. */
  clean?(): Promise<unknown>;
}

/** A part of work by itself, which is repeated. */
export function each(once: (index: number) => Promise<unknown>, clean?: Work['clean']): Work {
  let total = 0;
  const run = async (count: number, parallel: number) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await once((total += 1));
    };
    await Promise.all(Array.from({ length: parallel }, worker));
  };
  return { run, clean };
}

/** Offers work to the program that started this one. */
export function serveJobs(jobs: Readonly<Record<string, Work>>): void {
  process.on('message', (message) => {
    const { job, count, parallel } = message as { job: string; count: number; parallel: number };
    const work = async () => {
      const start = performance.now();
      if (count > 0) await jobs[job]!.run(count, parallel);
      else await jobs[job]!.clean?.();
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
}

/** A job of a program. The cost is the time that the program has run, in µs. */
export function jobOf(options: JobOptions): Side {
  const { name, program, job, count, warmUp = Math.ceil(count / 2), parallel = 1, weight = 1 } = options;
  const run = async (times: number): Promise<Sample> => {
    const before = program.cpu;
    const { seconds } = await program.ask({ job, count: times, parallel });
    const cost = (program.cpu - before) / times / weight;
    await program.ask({ job, count: 0, parallel: 0 });
    return { cost, rate: (times * weight) / (seconds as number) };
  };
  return { name, warm: () => run(warmUp), sample: () => run(count) };
}
