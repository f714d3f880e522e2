import { ormContract } from '../contracts/orm-contract.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeorm } from '../support/typeorm.js';

describe.each(await reachableDatabases())('TypeORM on %s, with triggers', (database) => {
  ormContract(() => openTypeorm(database, {}));
});
