import { ormContract } from '../contracts/orm-contract.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeorm } from '../support/typeorm.js';

describe.each(await reachableDatabases())('TypeORM on %s, with triggers', (database) => {
  ormContract(() => openTypeorm(database, {}));
});

describe.each(await reachableDatabases())('TypeORM on %s, with triggers and foreign keys', (database) => {
  ormContract(() => openTypeorm(database, { foreignKey: true }));
});
