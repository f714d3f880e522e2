import { throwingHookClaims } from '../contracts/orm/throwing-hooks.js';
import { onDatabases } from '../support/databases.js';
import { openMikroHarness } from '../support/mikro-harness.js';
import { major } from '../support/mikro-orm.js';

// On SQLite, MikroORM never returns the only connection of a transaction that was left open, so no claim could query it.
await onDatabases(['postgres'], `a subscriber that throws in MikroORM ${major} on %s`, (database) => {
  throwingHookClaims(database, () => openMikroHarness(database));
});
