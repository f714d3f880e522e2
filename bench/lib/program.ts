import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuOf, familyOf } from './cpu.js';

/** The core of what is measured. The clients have core 0: `build/bench.mjs` starts them there. */
const core = availableParallelism() > 1 || process.env.BENCH_PINNED ? ['taskset', '-c', '1'] : [];

/** What still runs; ends with this process, also when that fails. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill()));

/** A process that is measured, on a core of its own. */
export class Program {
  /** Rejects when it ends. */
  readonly #gone: Promise<never>;

  private constructor(
    private readonly child: ChildProcess,
    /** What it said when it was ready; undefined for a program that is not one of ours. */
    private readonly said?: Readonly<Record<string, unknown>>,
  ) {
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#gone = once(child, 'exit').then(() => Promise.reject(new Error('What is measured has ended.')));
    this.#gone.catch(() => undefined);
  }

  /** Starts a file of the folder `servers` or `jobs`, which sends a message when it is ready. */
  static async start(file: string, args: readonly string[] = []): Promise<Program> {
    const [command = process.execPath, ...options] = [...core, process.execPath];
    const child = fork(new URL(`../${file}.js`, import.meta.url), args, { execPath: command, execArgv: options });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${file} ended before it was ready.`)));
    const [said] = (await Promise.race([once(child, 'message'), failed])) as [Program['ready']];
    failed.catch(() => undefined);
    return new Program(child, said);
  }

  /** Starts a program that is not one of ours and waits until it answers. */
  static async startCommand(line: readonly string[], isReady: () => Promise<boolean>): Promise<Program> {
    const [command = '', ...args] = [...core, ...line];
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    for (let tries = 0; !(await isReady()); tries += 1) {
      if (tries > 100 || child.exitCode !== null) throw new Error(`${line[0]} did not start.`);
      await delay(50);
    }
    return new Program(child);
  }

  /** What it said when it was ready. */
  get ready(): Readonly<Record<string, unknown>> {
    return this.said ?? {};
  }

  /** Whether it is one of ours, which answers what it is asked. */
  get answers(): boolean {
    return this.said !== undefined;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** It and its children. */
  get family(): readonly number[] {
    return familyOf(this.pid);
  }

  /** Microseconds that they have run. */
  get cpu(): number {
    return cpuOf(this.family);
  }

  /** Sends a message and waits for the reply. */
  async ask(message: object): Promise<Readonly<Record<string, unknown>>> {
    this.child.send(message);
    const received = new Promise<Program['ready']>((resolve) => this.child.once('message', resolve as never));
    const reply = await Promise.race([received, this.#gone]);
    if (typeof reply.error === 'string') throw new Error(reply.error);
    return reply;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
  }
}
