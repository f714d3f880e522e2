import type { DataSource } from 'typeorm';
import { FileFieldError } from '../../errors.js';
import { openLedger, type AttachOptions } from '../../ledger/attach-options.js';
import { FileEvents } from '../../events.js';
import { Files } from '../../fields/files.js';
import { databaseOf, dialectOf } from './database.js';
import { TypeormEntities } from './entities.js';
import { isFileColumn } from './file-column.js';
import { FileSubscriber } from './subscriber.js';

const attached = new WeakSet<DataSource>();

/**
 * Gives life to the file fields of an initialised data source. Throws `invalid_option` when a field names a storage that
 * is not registered, and `database_failed` when the ledger's tables are missing: run the migrations first.
 *
 * @example
 * ```ts
 * import { DataSource } from 'typeorm';
 * import { StorageRegistry } from 'filefield';
 * import { DiskStorage } from 'filefield/storages/disk';
 * import { attachFiles } from 'filefield/typeorm';
 *
 * declare const dataSource: DataSource;
 * const storages = new StorageRegistry({ documents: new DiskStorage({ root: 'var/documents' }) });
 * const files = await attachFiles(dataSource, { storages });
 * ```
 */
export async function attachFiles(dataSource: DataSource, options: AttachOptions): Promise<Files> {
  if (!dataSource.isInitialized)
    throw new FileFieldError('invalid_option', 'Initialize the data source before attachFiles().');
  if (attached.has(dataSource))
    throw new FileFieldError('invalid_option', 'Files are attached to this data source already.');
  const events = new FileEvents();
  const ledger = openLedger(databaseOf(dataSource), events, options);
  const entities = new TypeormEntities(dataSource);
  const files = new Files(options.storages, ledger, entities, events);
  await ledger.verify();
  for (const { column } of entities.all) {
    // Metadata belongs to the data source, so two of them may keep the same entity in different storages.
    if (isFileColumn(column.transformer)) column.transformer = column.transformer.attached(files.context);
  }
  dataSource.subscribers.push(
    new FileSubscriber(ledger, dialectOf(dataSource), (metadata) => entities.columns(metadata), files.copies),
  );
  attached.add(dataSource);
  return files;
}
