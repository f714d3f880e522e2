import type { Storage } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { collect } from '../../src/file/body.js';
import { isFenceKey } from '../../src/file/key.js';
import { CopiedDatabases, type Application } from '../support/copied-databases.js';
import { reachableDatabases } from '../support/databases.js';

/** A bucket: it survives the process. */
class Bucket extends MemoryStorage {
  override readonly volatile = false;

  async clone(): Promise<Bucket> {
    const clone = new Bucket();
    for (const key of this.keys) {
      const bytes = await collect(await this.read(key));
      await clone.write(key, [bytes] as never);
    }
    return clone;
  }

  get objects(): number {
    return this.keys.filter((key) => !isFenceKey(key)).length;
  }
}

type When = 'before' | 'after';

/** A process on one of the databases. It dies at the nth change of a marker or of its fence, and is started again. */
class Process {
  crashed = false;
  #app!: Application;
  #alive = true;
  #crashIn = Infinity;
  #when: When = 'before';

  constructor(
    private readonly copies: CopiedDatabases,
    private readonly name: string,
    private readonly bucket: Bucket,
  ) {}

  get app(): Application {
    return this.#app;
  }

  async start(): Promise<this> {
    this.#alive = true;
    this.#app = await this.copies.open(this.name, this.#seen());
    const { database } = this.#app.files.ledger;
    const execute = database.execute.bind(database);
    database.execute = (statement, options) => {
      const text = statement.text();
      const isStep = text.includes('file_fence') && !text.startsWith('SELECT');
      return this.#do(isStep, () => execute(statement, options));
    };
    return this;
  }

  arm(step: number, when: When): void {
    this.#crashIn = step;
    this.#when = when;
  }

  /** Does the work; if the process dies meanwhile, does it again in a new one. */
  async run(work: (app: Application) => Promise<unknown>): Promise<void> {
    await work(this.#app).catch((error: unknown) => {
      if (this.#alive) throw error;
    });
    if (this.#alive) return;
    await this.#app.close();
    await this.start();
    await work(this.#app);
  }

  async #do<Result>(isStep: boolean, work: () => Promise<Result>): Promise<Result> {
    if (!this.#alive) throw new Error('killed');
    const crashes = isStep && --this.#crashIn === 0;
    if (crashes && this.#when === 'before') this.#die();
    const result = await work();
    if (crashes) this.#die();
    return result;
  }

  #die(): never {
    this.crashed = true;
    this.#alive = false;
    throw new Error('killed');
  }

  /** The bucket as this process sees it. */
  #seen(): Storage {
    return new Proxy(this.bucket, {
      get: (bucket, member) => {
        const value = Reflect.get(bucket, member, bucket) as unknown;
        if (typeof value !== 'function') return value;
        if (member !== 'write' && member !== 'delete') return value.bind(bucket) as unknown;
        return (...values: [string]) =>
          this.#do(isFenceKey(values[0]), () => Reflect.apply(value, bucket, values) as Promise<unknown>);
      },
    });
  }
}

const databases = await reachableDatabases();

describe.each(databases)('an original and its copy, of which one dies in the middle, on %s', (database) => {
  const copies = new CopiedDatabases(database);
  const filled = new Bucket();
  let template: string;

  beforeAll(async () => {
    template = await copies.create();
    const app = await copies.open(template, filled);
    for (const title of ['one', 'two', 'three']) await app.add(title);
    await app.age();
    await app.files.sweep();
    await app.age();
    await app.close();
  });
  afterAll(() => copies.close());

  /** Resolves to false if there is no such step. */
  async function crash(who: 'the original' | 'the copy', step: number, when: When): Promise<boolean> {
    const bucket = await filled.clone();
    const start = async () => new Process(copies, await copies.copy(template), bucket).start();
    const [original, copy] = [await start(), await start()];
    const dying = who === 'the copy' ? copy : original;
    const pass = async () => {
      for (const { app } of [original, copy]) await app.age();
    };
    const turn = async () => {
      const others = [original, copy].filter((process) => process !== dying);
      for (const process of [dying, ...others]) await process.run(({ files }) => files.sweep());
    };
    await copy.app.remove('one');
    dying.arm(step, when);
    for (let round = 0; round < 3; round += 1) {
      await turn();
      await pass();
      expect({ step, objects: bucket.objects }).toEqual({ step, objects: 3 });
    }
    // The copy leaves the storage to the original, which then deletes again.
    await copy.run(({ files }) => files.ledger.fence!.leave());
    await copy.app.remove('two');
    await original.app.remove('three');
    for (let round = 0; round < 3; round += 1) {
      await turn();
      await pass();
    }
    expect({ step, objects: bucket.objects }).toEqual({ step, objects: 2 });
    expect(await original.app.read('one')).toBe('text of one');
    expect(await original.app.read('two')).toBe('text of two');
    await original.app.close();
    await copy.app.close();
    return dying.crashed;
  }

  // More steps than there are (28): a scenario without a crash ends the loop. The steps are the same on each database.
  const steps = database === 'sqlite' ? Array.from({ length: 60 }, (_, index) => index + 1) : [3];

  it.each([
    ['before', 'the original'],
    ['after', 'the original'],
    ['before', 'the copy'],
    ['after', 'the copy'],
  ] as const)(
    'lose nothing, and the original deletes after leave(), with a crash %s any change of a marker or a fence in %s',
    async (when, who) => {
      let crashes = 0;
      for (const step of steps) {
        if (!(await crash(who, step, when))) break;
        crashes += 1;
      }
      if (database === 'sqlite') expect(crashes).toBeGreaterThan(9);
      else expect(crashes).toBe(steps.length);
    },
    60_000,
  );
});
