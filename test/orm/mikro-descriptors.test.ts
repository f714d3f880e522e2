import { columnTypes, descriptorClaims } from '../contracts/orm/descriptors.js';
import { reachableDatabases } from '../support/databases.js';
import { openMikroHarness } from '../support/mikro-harness.js';
import { major } from '../support/mikro-orm.js';

const cases = (await reachableDatabases()).flatMap((database) =>
  columnTypes[database].map((type) => [database, type] as const),
);

describe.each(cases)(`descriptors in MikroORM ${major} on %s, column %s`, (database, type) => {
  descriptorClaims(() => openMikroHarness(database), type);
});

describe.each(await reachableDatabases())(`descriptors in MikroORM ${major} on %s, with triggers`, (database) => {
  descriptorClaims(() => openMikroHarness(database, {}), 'as made', true);
});
