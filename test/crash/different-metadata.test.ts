import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { compile, type Compiled } from '../support/compiled.js';
import { reachableDatabases } from '../support/databases.js';
import { expectConsistent, openSite, type Site } from './matrix.js';
import type { TypeormApplication } from './process/typeorm.js';
import type { Work } from './process/worker.js';

const databases = await reachableDatabases();

/** A process that writes and sweeps. */
class Worker {
  readonly #child: ChildProcess;
  readonly #end: Promise<string | number | null>;
  #ended = false;
  #operations = 0;
  #errors = '';
  #wake = () => {};

  constructor(script: string, work: Work) {
    this.#child = spawn(process.execPath, [script], { env: { ...process.env, WORK: JSON.stringify(work) } });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    createInterface(this.#child.stdout!).on('line', () => {
      this.#operations += 1;
      this.#wake();
    });
    this.#end = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve(signal ?? code)));
    void this.#end.then(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Waits until the process has done so many more operations. */
  async operations(count: number): Promise<void> {
    for (const until = this.#operations + count; this.#operations < until;) {
      if (this.#ended) throw new Error(`A worker has ended: ${this.#errors}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Kills the process in the middle of its work, or lets it finish. */
  async end(how: 'killed' | 'finished'): Promise<void> {
    if (how === 'killed') this.kill();
    else this.#child.stdin!.write('end\n');
    expect({ end: await this.#end, errors: this.#errors }).toEqual({
      end: how === 'killed' ? 'SIGKILL' : 0,
      errors: '',
    });
  }
}

/**
 * Two releases of one application under load: one maps documents and photos, the other one documents only. Both write, sweep
 * and use the same storage.
 */
describe.each(databases)('processes of different metadata on %s', (database) => {
  let compiled: Compiled;
  let site: Site<TypeormApplication>;
  const workers: Worker[] = [];
  beforeAll(async () => {
    compiled = compile('test/crash/process');
    site = await openSite('typeorm', database, { lease: 500, photos: true });
  });
  afterAll(async () => {
    for (const worker of workers) worker.kill();
    compiled.remove();
    await site?.close();
  });

  it('leave each row with its bytes and nothing else, although each is killed in the middle', async () => {
    const script = compiled.script('test/crash/process/worker.ts');
    const start = (name: string, photos: boolean) => {
      const worker = new Worker(script, { place: site.place, name, photos, writers: database === 'sqlite' ? 1 : 4 });
      workers.push(worker);
      return worker;
    };
    const whole = start('whole', true);
    const part = start('part', false);
    await Promise.all([whole.operations(40), part.operations(40)]);
    await part.end('killed');
    const again = start('part again', false);
    await Promise.all([whole.operations(20), again.operations(20)]);
    await whole.end('killed');
    // The leases of photos that no hook has seen end while only the process without photos sweeps.
    await delay(1500);
    await again.operations(20);
    await again.end('finished');
    const slugs = [...(await site.app.rows()).keys()];
    expect(slugs.some((slug) => slug.startsWith('unseen'))).toBe(true);
    await expectConsistent(site);
  }, 60_000);
});
