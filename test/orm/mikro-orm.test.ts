import { ormContract } from '../contracts/orm-contract.js';
import { reachableDatabases } from '../support/databases.js';
import { openMikroHarness } from '../support/mikro-harness.js';
import { major } from '../support/mikro-orm.js';

describe.each(await reachableDatabases())(`MikroORM ${major} on %s`, (database) => {
  ormContract(() => openMikroHarness(database));
});
