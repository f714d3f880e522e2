import { columnTypes, descriptorClaims } from '../contracts/orm/descriptors.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeorm } from '../support/typeorm.js';

const cases = (await reachableDatabases()).flatMap((database) =>
  columnTypes[database].map((type) => [database, type] as const),
);

describe.each(cases)('descriptors in TypeORM on %s, column %s', (database, type) => {
  descriptorClaims(() => openTypeorm(database), type);
});

describe.each(await reachableDatabases())('descriptors in TypeORM on %s, with triggers', (database) => {
  descriptorClaims(() => openTypeorm(database, {}), 'as made', true);
});
