import { reachableDatabases } from '../support/databases.js';
import { Replay, type Hall } from './hall.js';
import { openMikroHall } from './mikro-hall.js';
import { openTypeormHall } from './typeorm-hall.js';

const databases = await reachableDatabases();

/** Every database and both ORMs, but not each pair: the contracts of the ORMs run on all of them. */
const halls: readonly (readonly [string, () => Promise<Hall>])[] = [
  ['MikroORM on sqlite', () => openMikroHall('sqlite')],
  ...databases.map((database) => [`TypeORM on ${database}`, () => openTypeormHall(database)] as const),
];

/** Declares the replays in every hall. After each, all rows are deleted, and no bytes may be left. */
export function inEveryHall(replays: (t: Replay) => void): void {
  for (const [name, open] of halls) describe(name, () => inHall(open, replays));
}

/** Declares the replays in one hall. */
export function inHall<Place extends Hall>(
  open: () => Promise<Place>,
  replays: (t: Replay, hall: () => Place) => void,
): void {
  let hall: Place;
  beforeAll(async () => {
    hall = await open();
  });
  afterAll(() => hall?.close());
  const t = new Replay(() => hall);
  afterEach(() => t.leave());
  replays(t, () => hall);
}
