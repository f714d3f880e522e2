import type { Group, OpenGroup, Row, Settings } from '../lib/compare.js';
import { createDatabase, databaseTitles, type Kind } from '../lib/database.js';
import { Folder } from '../lib/folder.js';
import { jobOf } from '../lib/jobs.js';
import { Program } from '../lib/program.js';

const peers = {
  safe: {
    name: 'by hand, as safe',
    target: 0.9,
    note: 'hash, fsync, rename, fsync of the folder, INSERT in a transaction; a crash or a rollback leaves the file for ever',
  },
  naive: {
    name: 'writeFile and save',
    target: 0.6,
    note: 'no hash of the file, no flush: a power cut loses the bytes of committed rows; a rollback leaves the file for ever',
  },
};

/** Rows that are inserted with a file of 4 KiB, eight at once. */
export const insertGroups: readonly Group[] = (['sqlite', 'postgres', 'mariadb'] as const).map((kind) => ({
  name: `insert/${kind}`,
  onlyNamed: kind !== 'sqlite',
  title: `Inserts of a row with 4 KiB, 8 at once: TypeORM, ${databaseTitles[kind]}`,
  open: (settings: Settings) => open(kind, settings),
}));

async function open(kind: Kind, { quick }: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  const database = await createDatabase(kind, folder.path);
  if (!database) return { rows: [], close: async () => folder[Symbol.dispose]() };
  const program = await Program.start('jobs/insert', [folder.path, JSON.stringify(database)]);
  // Node compiles the more, the more code there is, for half a minute here; an application runs for weeks.
  const counts = quick ? { warmUp: 400, count: 100 } : { warmUp: 6000, count: 500 };
  const side = (name: string, job: string) => jobOf({ name, program, job, ...counts, parallel: 8 });
  const ours = side('stage and save', 'ledger');
  const rows: Row[] = Object.entries(peers).map(([job, { name, target, note }]) => ({
    ...{ name: `insert/${kind}/${job}`, unit: 'µs', rateUnit: 'inserts', ours, peer: side(name, job), target, note },
  }));
  if (!quick) {
    const { note } = peers.safe;
    rows.push({
      ...{ name: `insert/${kind}/protected`, unit: 'µs', rateUnit: 'inserts', note },
      ...{ ours: side('stage and save, with triggers', 'protected'), peer: rows[0]!.peer },
    });
  }
  const close = async () => {
    await program.stop();
    await database.drop();
    folder[Symbol.dispose]();
  };
  return { rows, close };
}
