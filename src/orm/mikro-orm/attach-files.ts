import type { MikroORM } from '@mikro-orm/core';
import { openFiles, type AttachOptions } from '../../fields/attach.js';
import type { Files } from '../../fields/files.js';
import { databaseOf, dialectOf } from './database.js';
import { MikroEntities } from './entities.js';
import { attachContext } from './file-type.js';
import { FileSubscriber } from './subscriber.js';

/**
 * Connects the file fields of a MikroORM instance to their storages and the ledger. Call it once per instance, before the
 * first query: files of rows that were loaded earlier cannot be opened.
 *
 * WARNING: an entity manager of `fork({ freshEventManager: true })` has no subscribers, so its writes bind nothing.
 *
 * @throws `invalid_option` if a field names a storage that is not registered or an option is out of range;
 * `database_failed` if the ledger's tables are missing: run the migrations first.
 *
 * @example
 * ```ts
 * import type { MikroORM } from '@mikro-orm/core';
 * import { DiskStorage } from 'filefield/storages/disk';
 * import { attachFiles } from 'filefield/mikro-orm';
 *
 * declare const orm: MikroORM;
 * const files = await attachFiles(orm, {
 *   storages: { documents: new DiskStorage({ root: 'var/documents' }) },
 *   grace: '1h',
 * });
 * ```
 */
export async function attachFiles(orm: MikroORM, options: AttachOptions): Promise<Files> {
  const entities = new MikroEntities(orm);
  const files = await openFiles(databaseOf(orm), entities, options);
  attachContext(orm.em.getPlatform(), files.context);
  const subscriber = new FileSubscriber(
    files.ledger,
    dialectOf(orm.em),
    (metadata) => entities.properties(metadata),
    files.copies,
  );
  orm.em.getEventManager().registerSubscriber(subscriber);
  return files;
}
