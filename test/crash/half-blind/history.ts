import { isFileFieldError, type FileDescriptor } from 'filefield';
import { Random } from '../../support/random.js';
import { Letter, pass, Photo, within, type Application, type Sight, type World } from './world.js';

const minute = 60_000;
/** One history: random steps of half-blind processes on one world. The seed determines it. */
export class History {
  /** What happened, for the report of a failure. */
  readonly steps: string[] = [];
  readonly #random: Random;
  readonly #applications = new Map<string, Application>();
  /** Keys of objects that the copy has stored: the original does not answer for them. */
  readonly #ofCopy = new Set<string>();
  #copied: 'no' | 'undeclared' | 'declared' = 'no';

  private constructor(
    private readonly world: World,
    seed: number,
  ) {
    this.#random = new Random(seed);
  }

  /** Runs a history to its end. Rejects with an error that has the seed and the steps if a file is lost, or never deleted. */
  static async run(seed: number, open: () => Promise<World>, length = 24): Promise<void> {
    const world = await open();
    const history = new History(world, seed);
    try {
      await history.#begin();
      for (let step = 0; step < length; step += 1) await history.#step();
      // It takes half of the time, and finds another kind of fault: what is never deleted.
      if (seed % 4 === 0) await history.#end();
    } catch (cause) {
      throw new Error(`SEED=${seed}\n${history.steps.join('\n')}`, { cause });
    } finally {
      await world.close();
    }
  }

  /** A row that is never changed: of a storage without files it cannot be said whether it is the right one. */
  async #begin(): Promise<void> {
    const { dataSource, files } = await this.#application('original', 'whole');
    const [file, cover] = [await files.stage(Letter, 'file', 'first'), await files.stage(Letter, 'cover', 'cover')];
    await dataSource.manager.save(Letter, { file, cover });
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const isCopy = this.#copied !== 'no' && random.chance(0.7);
    const application = await this.#application(isCopy ? 'copy' : 'original', random.pick(this.world.sights));
    const does = random.pick([
      'add',
      'add',
      'replace',
      'remove',
      'remove',
      'raw',
      'roll back',
      'sweep',
      'sweep',
      'reconcile',
      'time',
      'time',
      'copy',
      'copy',
    ] as const);
    this.steps.push(`${isCopy ? 'copy' : 'original'} (${application.sight}): ${does}`);
    if (does === 'time') await this.#pass((5 + random.next() * 20) * minute);
    else if (does === 'copy') await this.#copy();
    else await this.#act(application, does, isCopy);
    await this.#check();
  }

  async #act(application: Application, does: string, isCopy: boolean): Promise<void> {
    try {
      if (does === 'add') await this.#add(application, isCopy, false);
      if (does === 'roll back') await this.#add(application, isCopy, true);
      if (does === 'replace') await this.#change(application, isCopy, true);
      if (does === 'remove') await this.#change(application, isCopy, false);
      if (does === 'raw') await this.#raw(application);
      if (does === 'sweep') await application.files.sweep();
      if (does === 'reconcile') await this.#reconcile(application, isCopy);
    } catch (error) {
      // A process that sees the wrong storage cannot upload; a role under a policy cannot write the rows that it must not see.
      const isPolicy = /row-level security|permission denied/.test(String(error));
      if (!isFileFieldError(error, 'wrong_storage') && !(error instanceof RolledBack) && !isPolicy) throw error;
      this.steps.push(`  ${error instanceof Error ? error.message.slice(0, 60) : ''}`);
    }
  }

  async #add(application: Application, isCopy: boolean, rollBack: boolean): Promise<void> {
    const { files, letters, knowsCovers, knowsPhotos } = application;
    const random = this.#random;
    const asPhoto = knowsPhotos && (!letters || random.chance(0.4));
    const entity: new () => { file: unknown } = asPhoto ? Photo : letters!;
    const file = await files.stage(entity as typeof Photo, 'file', `text ${random.next()}`);
    if (isCopy) this.#ofCopy.add(file.toDescriptor().key);
    const values: Record<string, unknown> = { file };
    if (!asPhoto && knowsCovers && random.chance(0.5)) {
      const cover = await files.stage(letters as typeof Letter, 'cover', `cover ${random.next()}`);
      if (isCopy) this.#ofCopy.add(cover.toDescriptor().key);
      values.cover = cover;
    }
    // Some staged files are never saved.
    if (random.chance(0.2)) return;
    await within(application, async (manager) => {
      await manager.save(entity, values);
      if (rollBack) throw new RolledBack();
    });
  }

  async #change(application: Application, isCopy: boolean, replace: boolean): Promise<void> {
    const { files, letters, knowsPhotos } = application;
    const random = this.#random;
    const entity = knowsPhotos && (!letters || random.chance(0.4)) ? Photo : letters!;
    const all = await within(application, (manager) => manager.find<Photo>(entity as typeof Photo));
    const rows = entity === Photo ? all : all.filter(({ id }) => id > 1);
    if (rows.length === 0) return;
    const row = random.pick(rows);
    if (!replace) return void (await within(application, (manager) => manager.remove(entity, row)));
    row.file = random.chance(0.3) ? null : await files.stage(entity as typeof Photo, 'file', `text ${random.next()}`);
    if (isCopy && row.file) this.#ofCopy.add(row.file.toDescriptor().key);
    await within(application, (manager) => manager.save(entity, row));
  }

  /** Writes that no hook sees: a row that shares another row's file, and a deletion. */
  async #raw({ dataSource }: Application): Promise<void> {
    const statement = this.#random.pick(this.world.raw);
    this.steps.push(`  ${statement}`);
    await dataSource.query(statement);
  }

  /** The copy may believe that it is alone; the original may not, while a copy is undeclared: see the documentation. */
  async #reconcile({ files }: Application, isCopy: boolean): Promise<void> {
    const deleteUnknown = this.#random.chance(0.5) && (isCopy || this.#copied !== 'undeclared');
    const repair = this.#random.chance(0.7);
    this.steps.push(`  repair ${repair}, deleteUnknown ${deleteUnknown}`);
    let next = (await files.reconcile({ repair, deleteUnknown })).next;
    while (next) next = (await files.reconcile({ repair, deleteUnknown, from: next })).next;
  }

  /** Time passes for all databases, and the original sweeps. */
  async #pass(milliseconds: number): Promise<void> {
    const original = await this.#application('original', this.#random.pick(this.world.mounted));
    await pass(original.dataSource, milliseconds);
    const copy = this.#copied !== 'no' ? await this.#application('copy', 'whole') : undefined;
    if (copy) await pass(copy.dataSource, milliseconds);
    await original.files.sweep();
  }

  /** The first time a copy is made; later, a person says that it is one. */
  async #copy(): Promise<void> {
    if (!this.world.copy) return;
    if (this.#copied === 'no') {
      await this.world.copy('original', 'copy');
      this.#copied = 'undeclared';
    } else if (this.#copied === 'undeclared' && this.#random.chance(0.2)) {
      await this.#declare();
    }
  }

  async #declare(): Promise<void> {
    this.steps.push('  filefield copied');
    // Each process keeps the identity that it has read.
    const copy = await this.world.start('copy', 'whole');
    await copy.files.ledger.fence!.leave();
    for (const name of [...this.#applications.keys()]) if (name.startsWith('copy')) this.#applications.delete(name);
    this.#copied = 'declared';
  }

  /** No row of the original, and none that the copy has stored itself, is without its bytes. */
  async #check(): Promise<void> {
    for (const { key, storage } of await this.#referenced('original'))
      await this.#expectBytes('original', storage, key);
    if (this.#copied === 'no') return;
    for (const { key, storage } of await this.#referenced('copy')) {
      if (this.#ofCopy.has(key)) await this.#expectBytes('copy', storage, key);
    }
  }

  async #expectBytes(database: string, storage: string, key: string): Promise<void> {
    const volume = storage === 'media' ? this.world.media : this.world.photos;
    if ((await volume.stat(key)) === null) throw new Error(`a row of the ${database} has lost ${storage}:${key}`);
  }

  async #referenced(database: string): Promise<FileDescriptor[]> {
    const { dataSource } = await this.#application(database, 'whole');
    const cells: { cell: unknown }[] = await dataSource.query(this.world.cells);
    const files = cells.filter(({ cell }) => cell !== null);
    return files.map(({ cell }) => (typeof cell === 'string' ? JSON.parse(cell) : cell) as FileDescriptor);
  }

  /** In the end everything that no row has is deleted: what is safe must not be safe by standing still. */
  async #end(): Promise<void> {
    if (this.#copied === 'undeclared') await this.#declare();
    const { files } = await this.#application('original', 'whole');
    for (let round = 0; round < 12; round += 1) {
      if (round % 4 === 0) await files.reconcile({ repair: true });
      // A contest is over when the copy has left; one sweep takes the storage back.
      await files.sweep();
      await this.#pass(61 * minute);
    }
    await this.#check();
    const referenced = new Set((await this.#referenced('original')).map(({ key }) => key));
    const identity = await files.ledger.identity();
    for (const key of [...this.world.media.keys, ...this.world.photos.keys]) {
      if (key.startsWith(`${identity}/`) && !referenced.has(key) && !this.#ofCopy.has(key)) {
        throw new Error(`${key} is never deleted`);
      }
    }
  }

  async #application(database: string, sight: Sight): Promise<Application> {
    const name = `${database} ${sight}`;
    const running = this.#applications.get(name) ?? (await this.world.start(database, sight));
    this.#applications.set(name, running);
    return running;
  }
}

class RolledBack extends Error {}
