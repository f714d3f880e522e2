import type { Group, OpenGroup, Row, Settings } from '../lib/compare.js';
import { createDatabase, databaseTitles, type Kind } from '../lib/database.js';
import { Folder, GiB, KiB, MiB } from '../lib/folder.js';
import { Program } from '../lib/program.js';
import { uploads } from '../lib/served.js';

const note = {
  save: 'busboy, then hash, fsync, rename, fsync of the folder, INSERT in a transaction; no limits, no type of the bytes; a crash leaves the file for ever',
  large:
    'busboy, then hash, fsync, rename, fsync of the folder; no limits, no type of the bytes; a crash leaves the file for ever',
};

/** Forms with a file, beside busboy with the same guarantee. */
export const receiveGroups: readonly Group[] = (['sqlite', 'postgres'] as const).map((kind) => ({
  name: `receive/${kind}`,
  onlyNamed: kind === 'postgres',
  rounds: 5,
  title: `Forms with a file, on node:http: TypeORM, ${databaseTitles[kind]}`,
  open: (settings: Settings) => open(kind, settings),
}));

async function open(kind: Kind, { quick }: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  const database = await createDatabase(kind, folder.path);
  if (!database) return { rows: [], close: async () => folder[Symbol.dispose]() };
  const program = await Program.start('servers/forms', [folder.path, JSON.stringify(database)]);
  const common = { program, port: program.ready.port as number };
  const rows: Row[] = [8, 32].map((connections) => {
    const side = (name: string, path: string) =>
      uploads({ name, path, ...common, size: 4 * KiB, connections, requests: quick ? 60 : 400 });
    return {
      ...{ name: `receive/${kind}/4k-${connections}`, unit: 'µs', rateUnit: 'forms', target: 0.9, note: note.save },
      ...{ ours: side('receive and save', '/save/receive'), peer: side('busboy, as safe', '/save/hand') },
    };
  });
  if (kind === 'sqlite') {
    const side = (name: string, path: string) =>
      uploads({ name, path, ...common, size: quick ? 64 * MiB : GiB, connections: 1, requests: 1, perMegabyte: true });
    rows.push({
      ...{ name: `receive/${kind}/large`, unit: 'µs/MB', rateUnit: 'MB', target: 1, note: note.large },
      ...{ ours: side('receive', '/only/receive'), peer: side('busboy, as safe', '/only/hand') },
    });
  }
  const close = async () => {
    await program.stop();
    await database.drop();
    folder[Symbol.dispose]();
  };
  return { rows, close };
}
