import { ormContract } from '../contracts/orm-contract.js';
import { reachableDatabases } from '../support/databases.js';
import { openMikroHarness } from '../support/mikro-harness.js';

describe.each(await reachableDatabases())('MikroORM on %s, with triggers', (database) => {
  ormContract(() => openMikroHarness(database, {}));
});
