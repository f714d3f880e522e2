import type { Options } from '@mikro-orm/core';
import { ledgerTables } from '../../ledger/schema.js';
import { fileObjectTables } from '../../storages/database/object-tables.js';
import { hideProtection } from './internals.js';

/**
 * Keeps MikroORM's schema generator and migrations away from what `createLedger`, `createFileObjects` and `protectFiles`
 * make, which they would drop: the tables of the ledger and of `databaseStorage`, the triggers, and the index of each file column, on MariaDB and MySQL with the generated
 * column below it. Put it around the configuration that the application and the command line load. Entities and queries do
 * not change.
 *
 * @example
 * ```ts
 * import { defineConfig } from '@mikro-orm/postgresql';
 * import { withFiles } from 'filefield/mikro-orm';
 *
 * export default defineConfig(withFiles({ dbName: 'shop', entities: ['entities/*.js'] }));
 * ```
 */
export function withFiles<Configuration extends object>(configuration: Configuration): Configuration {
  // A configuration of any driver: each has a type of its own.
  const { discovery = {}, schemaGenerator = {} } = configuration as Partial<Options>;
  const onMetadata: typeof discovery.onMetadata = (metadata, platform) => {
    hideProtection(platform);
    return discovery.onMetadata?.(metadata, platform);
  };
  return {
    ...configuration,
    discovery: { ...discovery, onMetadata },
    schemaGenerator: {
      ...schemaGenerator,
      skipTables: [...(schemaGenerator.skipTables ?? []), ...ledgerTables, ...fileObjectTables],
    },
  };
}
