import { throwingHookClaims } from '../contracts/orm/throwing-hooks.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeorm } from '../support/typeorm.js';

const databases = (await reachableDatabases()).filter((name) => name !== 'mariadb');

describe.each(databases)('a subscriber that throws in TypeORM on %s', (database) => {
  throwingHookClaims(database, () => openTypeorm(database));
});
