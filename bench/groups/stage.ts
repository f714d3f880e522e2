import type { Group, OpenGroup, Settings } from '../lib/compare.js';
import { createDatabase } from '../lib/database.js';
import { Folder, KiB, MiB } from '../lib/folder.js';
import { jobOf } from '../lib/jobs.js';
import { Program } from '../lib/program.js';

const note =
  'reads the bytes twice; no temporary name: a crash leaves half a file; no record of it, no type of the bytes';

/** Local files that are taken into a storage, with a ledger in SQLite. */
export const stageGroup: Group = { name: 'stage', title: 'stage({ path })', rounds: 5, open };

async function open({ quick }: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  const large = quick ? 128 * MiB : 1024 * MiB;
  folder.file('large.bin', large - 1);
  folder.file('small.bin', 100 * KiB);
  const database = (await createDatabase('sqlite', folder.path))!;
  const program = await Program.start('jobs/stage', [folder.path, JSON.stringify(database)]);
  const pair = (size: string, count: number, weight: number) => ({
    ours: jobOf({ name: 'stage', program, job: `stage ${size}`, count, weight }),
    peer: jobOf({ name: 'copyFile, SHA-256, fsync', program, job: `copy ${size}`, count, weight }),
  });
  const rows = [
    { name: 'stage/large', unit: 'µs/MB', rateUnit: 'MB', target: 1, note, ...pair('large', 1, large / 1e6) },
    {
      name: 'stage/small',
      unit: 'µs',
      rateUnit: 'files of 100 KiB',
      target: 0.9,
      note,
      ...pair('small', quick ? 60 : 1000, 1),
    },
  ];
  const close = async () => {
    await program.stop();
    folder[Symbol.dispose]();
  };
  return { rows, close };
}
