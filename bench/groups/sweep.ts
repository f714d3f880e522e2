import type { Group, OpenGroup } from '../lib/compare.js';
import { createDatabase, databaseTitles, type Kind } from '../lib/database.js';
import { Folder } from '../lib/folder.js';
import { jobOf } from '../lib/jobs.js';
import { Program } from '../lib/program.js';

const due = 1000;

/** Sweeps of files that are due, by the clock: what they wait for is the database and the storage. */
export const sweepGroups: readonly Group[] = (['sqlite', 'postgres', 'mariadb'] as const).map((kind) => ({
  name: `sweep/${kind}`,
  onlyNamed: true,
  rounds: 7,
  title: `Sweeps: TypeORM, ${databaseTitles[kind]}`,
  open: () => open(kind),
}));

async function open(kind: Kind): Promise<OpenGroup> {
  const folder = new Folder();
  const close: (() => Promise<unknown>)[] = [async () => folder[Symbol.dispose]()];
  const closeAll = async () => {
    for (const one of close.reverse()) await one();
  };
  const programs: Program[] = [];
  for (const rows of [1_000_000, 10_000]) {
    const database = await createDatabase(kind, folder.path);
    if (!database) return { rows: [], close: closeAll };
    close.push(database.drop);
    const program = await Program.start('jobs/sweep', [JSON.stringify(database), String(rows)]);
    close.push(() => program.stop());
    programs.push(program);
  }
  const [large, small] = programs as [Program, Program];
  const few = { job: 'few', count: 1, byClock: true };
  return {
    rows: [
      {
        ...{ name: `sweep/${kind}/few`, unit: 'ms', rateUnit: 'sweeps' },
        ours: jobOf({ name: '10 due beside a million rows', program: large, ...few }),
        peer: jobOf({ name: 'beside 10,000 rows', program: small, ...few }),
        // At most twice the time.
        target: 0.5,
        note: 'the same sweep with a hundredth of the rows',
      },
      {
        ...{ name: `sweep/${kind}/many`, unit: 'ms', rateUnit: 'objects' },
        ours: jobOf({
          name: '1,000 due, 20 ms to delete one',
          ...{ program: small, job: 'many', count: 1, weight: due, byClock: true },
        }),
        // 400 a second.
        limit: 2.5,
        note: '1,000 due in a storage that takes 20 ms to delete one; the cost is that of one',
      },
    ],
    close: closeAll,
  };
}
