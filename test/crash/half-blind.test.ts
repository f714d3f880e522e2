import { reachableDatabases } from '../support/databases.js';
import { History } from './half-blind/history.js';
import { PostgresWorld } from './half-blind/postgres-world.js';
import { CopiedWorld, type World } from './half-blind/world.js';

// HISTORIES=100000 runs more; SEED=17 repeats one.
const { HISTORIES = '1000', SEED } = process.env;
const chunk = 50;

/**
 * Processes that each see less than the whole use the same databases and storages, in an order that a seed determines. Half of
 * all histories: SQLite, with copies of the database, wrong volumes and older releases. The others: PostgreSQL, with schemas
 * of tenants and row level security.
 */
describe('half-blind processes', () => {
  let postgres: PostgresWorld | undefined;
  const worlds: Record<string, () => Promise<World>> = { sqlite: () => CopiedWorld.create() };

  beforeAll(async () => {
    if (!(await reachableDatabases()).includes('postgres')) return;
    postgres = await PostgresWorld.create();
    worlds.postgres = () => postgres!.emptied();
  });
  afterAll(() => postgres?.end());

  const first = SEED === undefined ? 1 : Number(SEED);
  const count = SEED === undefined ? Number(HISTORIES) / 2 : 1;
  const starts = Array.from({ length: Math.ceil(count / chunk) }, (_, index) => first + index * chunk);

  describe.each(['sqlite', 'postgres'])('on %s', (database) => {
    it.each(starts)(
      'lose no file of a row, and delete what no row has: seeds from %d',
      async (start) => {
        const open = worlds[database];
        if (!open) return console.warn(`*** SKIPPED: ${database} does not answer ***`);
        const end = Math.min(start + chunk, first + count);
        for (let seed = start; seed < end; seed += 1) await History.run(seed, open);
      },
      600_000,
    );
  });
});
