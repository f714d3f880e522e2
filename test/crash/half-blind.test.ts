import { History } from './half-blind/history.js';

// HISTORIES=100000 runs more; SEED=17 repeats one.
const { HISTORIES = '1000', SEED } = process.env;
const chunk = 50;

/**
 * Processes that each see less than the whole - fewer entities, an older release, a copy of the database, a volume that is
 * not mounted, swapped storages - use the same databases and storages, in an order that a seed determines.
 */
describe('half-blind processes', () => {
  const first = SEED === undefined ? 1 : Number(SEED);
  const count = SEED === undefined ? Number(HISTORIES) : 1;
  const starts = Array.from({ length: Math.ceil(count / chunk) }, (_, index) => first + index * chunk);

  it.each(starts)(
    'lose no file of a row, and delete what no row has: seeds from %d',
    async (start) => {
      const end = Math.min(start + chunk, first + count);
      for (let seed = start; seed < end; seed += 1) await History.run(seed);
    },
    600_000,
  );
});
