// A process that writes and sweeps until a line arrives on its standard input. It prints a line after each operation.
// WORK is the work as JSON.
import type { StoredFile } from 'filefield';
import { transactionQueue } from 'filefield/typeorm';
import type { EntityManager } from 'typeorm';
import { longText, type Place } from './application.js';
import { Document, openTypeorm, Photo, type TypeormApplication } from './typeorm.js';

export interface Work {
  readonly place: Place;
  readonly name: string;
  /** Also maps and writes photos, and sees them when it sweeps. */
  readonly photos: boolean;
  readonly writers: number;
}

type Entity = typeof Document;

/** What may happen where several processes write to the same rows. */
const expected =
  /staged_expired|rolled back|Deadlock|SQLITE_BUSY|SQLITE_CONSTRAINT|duplicate|Duplicate|changed since last/;

const { place, name, photos, writers } = JSON.parse(process.env.WORK!) as Work;
const app = await openTypeorm(place, { photos });
const queue = transactionQueue(app.dataSource);
const transaction: typeof queue = (work) =>
  place.database === 'sqlite' ? queue(work) : app.dataSource.transaction(work);

let running = true;
process.stdin.once('data', () => (running = false));
app.files.on('fault', (error) => report(error));

function report(error: unknown): void {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const text = `${String(code)} ${String(error)} ${String(cause)}`;
  if (!expected.test(text)) console.error(`${name}: ${text}`);
}

async function write(manager: EntityManager, entity: Entity, slug: string, file: StoredFile): Promise<void> {
  const row = await manager.findOneBy(entity, { slug });
  await manager.save(entity, { ...row, slug, file });
}

/** A row that no hook sees: after its lease only a sweep of a process that maps photos finds it. */
async function writeUnseen(text: string): Promise<void> {
  const file = await app.files.stage(Photo, 'file', text);
  await transaction(async (manager) => {
    await manager.query(`UPDATE file_ledger SET lease_until = lease_until + 500 WHERE id = '${file.id}'`);
    const entry = `SELECT id FROM file_ledger WHERE id = '${file.id}' AND state = 'pending'`;
    const descriptor = JSON.stringify(file.toDescriptor()).replaceAll("'", "''");
    // Its lease may have ended.
    if (((await manager.query(entry)) as unknown[]).length === 0) return;
    await manager.query(`INSERT INTO crash_photo (slug, file) VALUES ('unseen ${file.id}', '${descriptor}')`);
  });
}

async function operate(entity: Entity, label: string): Promise<void> {
  // The slug names the table too, so that the rows of both fit into one map.
  const slug = `${entity.options.name} ${Math.floor(Math.random() * 6)}`;
  const chance = Math.random();
  if (chance < 0.15) {
    return transaction(async (manager) => {
      const row = await manager.findOneBy(entity, { slug });
      if (row) await manager.remove(entity, row);
    });
  }
  if (photos && chance > 0.85) return writeUnseen(longText(label));
  const file = await app.files.stage(entity, 'file', longText(label));
  if (chance < 0.25) return;
  // As if the writer had been slow: a sweep of either process may delete the file from now on.
  if (chance < 0.4) await app.files.discard(file);
  await transaction(async (manager) => {
    await write(manager, entity, slug, file);
    if (chance > 0.7) throw new Error('rolled back');
  });
}

async function writer(number: number): Promise<void> {
  for (let turn = 0; running; turn += 1) {
    const entity = photos && Math.random() < 0.5 ? Photo : Document;
    await operate(entity, `${name} ${number} ${turn}`).catch(report);
    console.log('operation');
  }
}

async function sweeper({ files }: TypeormApplication): Promise<void> {
  while (running) {
    await files.sweep({ batch: 5 }).catch(report);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

await Promise.all([sweeper(app), ...Array.from({ length: writers }, (_, number) => writer(number))]);
await app.close();
process.exit(0);
