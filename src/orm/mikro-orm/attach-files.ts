import type { MikroORM } from '@mikro-orm/core';
import { openLedger, type AttachOptions } from '../../ledger/attach-options.js';
import { FileEvents } from '../../events.js';
import { Files } from '../../fields/files.js';
import { databaseOf, dialectOf } from './database.js';
import { MikroEntities } from './entities.js';
import { attachContext } from './file-type.js';
import { FileSubscriber } from './subscriber.js';

/**
 * Gives life to the file fields of a MikroORM instance. Throws `invalid_option` when a field names a storage that is not
 * registered, and `database_failed` when the ledger's tables are missing: run the migrations first.
 *
 * In a migration: `for (const sql of ledgerSchema('postgres').create) this.addSql(sql)`. The schema generator drops tables
 * that it does not know, unless the configuration says `schemaGenerator: { skipTables: [...ledgerTables] }`.
 * WARNING: an entity manager of `fork({ freshEventManager: true })` has no subscribers, so its writes bind nothing.
 *
 * @example
 * ```ts
 * import type { MikroORM } from '@mikro-orm/core';
 * import { StorageRegistry } from 'filefield';
 * import { DiskStorage } from 'filefield/storages/disk';
 * import { attachFiles } from 'filefield/mikro-orm';
 *
 * declare const orm: MikroORM;
 * const storages = new StorageRegistry({ documents: new DiskStorage({ root: 'var/documents' }) });
 * const files = await attachFiles(orm, { storages });
 * ```
 */
export async function attachFiles(orm: MikroORM, options: AttachOptions): Promise<Files> {
  const events = new FileEvents();
  const ledger = openLedger(databaseOf(orm), events, options);
  const entities = new MikroEntities(orm);
  const files = new Files(options.storages, ledger, entities, events);
  await ledger.verify();
  attachContext(orm.em.getPlatform(), files.context);
  const subscriber = new FileSubscriber(
    ledger,
    dialectOf(orm.em),
    (metadata) => entities.properties(metadata),
    files.copies,
  );
  orm.em.getEventManager().registerSubscriber(subscriber);
  return files;
}
