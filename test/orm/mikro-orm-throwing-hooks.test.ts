import { throwingHookClaims } from '../contracts/orm/throwing-hooks.js';
import { reachableDatabases } from '../support/databases.js';
import { openMikroHarness } from '../support/mikro-harness.js';
import { major } from '../support/mikro-orm.js';

// On SQLite, MikroORM never returns the only connection of a transaction that was left open, so no claim could query it.
const databases = (await reachableDatabases()).filter((name) => name === 'postgres');

if (databases.length === 0) it.todo('needs PostgreSQL');
for (const database of databases) {
  describe(`a subscriber that throws in MikroORM ${major} on ${database}`, () => {
    throwingHookClaims(database, () => openMikroHarness(database));
  });
}
