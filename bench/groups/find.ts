import type { Group, OpenGroup, Settings } from '../lib/compare.js';
import { createDatabase, databaseTitles, type Kind } from '../lib/database.js';
import { Folder } from '../lib/folder.js';
import { jobOf } from '../lib/jobs.js';
import { Program } from '../lib/program.js';

const weight = 10_000;

/** What a file column costs when rows are loaded. */
export const findGroups: readonly Group[] = (['sqlite', 'postgres', 'mariadb'] as const).map((kind) => ({
  name: `find/${kind}`,
  onlyNamed: true,
  title: `find() of 10,000 rows: TypeORM, ${databaseTitles[kind]}`,
  open: (settings: Settings) => open(kind, settings),
}));

async function open(kind: Kind, { quick }: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  const database = await createDatabase(kind, folder.path);
  if (!database) return { rows: [], close: async () => folder[Symbol.dispose]() };
  const program = await Program.start('jobs/find', [JSON.stringify(database), String(weight)]);
  const side = (name: string, job: string) => jobOf({ name, program, job, weight, warmUp: 10, count: quick ? 2 : 4 });
  const row = {
    ...{ name: `find/${kind}/json`, unit: 'µs', rateUnit: 'rows', target: 0.95 },
    ...{ ours: side('a file column', 'file'), peer: side('simple-json', 'json') },
    note: 'the same members as a plain object: not checked, no methods, and a client gets the key of the bytes with it',
  };
  const close = async () => {
    await program.stop();
    await database.drop();
    folder[Symbol.dispose]();
  };
  return { rows: [row], close };
}
