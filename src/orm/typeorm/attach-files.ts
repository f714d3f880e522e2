import type { DataSource } from 'typeorm';
import { FileFieldError } from '../../errors.js';
import { openFiles, type AttachOptions } from '../../fields/attach.js';
import type { Files } from '../../fields/files.js';
import { databaseOf, dialectOf } from './database.js';
import { TypeormEntities } from './entities.js';
import { isFileColumn } from './file-column.js';
import { FileSubscriber } from './subscriber.js';

/**
 * Connects the file fields of an initialised data source to their storages and the ledger. Call it once per data source,
 * before the first query: files of rows that were loaded earlier cannot be opened.
 *
 * @throws `invalid_option` if a field names a storage that is not registered, an option is out of range, or the data source
 * is not initialised; `database_failed` if the ledger's tables are missing: run the migrations first.
 *
 * @example
 * ```ts
 * import { DataSource } from 'typeorm';
 * import { DiskStorage } from 'filefield/storages/disk';
 * import { attachFiles } from 'filefield/typeorm';
 *
 * declare const dataSource: DataSource;
 * const files = await attachFiles(dataSource, {
 *   storages: { documents: new DiskStorage({ root: 'var/documents' }) },
 *   grace: '1h',
 * });
 * ```
 */
export async function attachFiles(dataSource: DataSource, options: AttachOptions): Promise<Files> {
  if (!dataSource.isInitialized)
    throw new FileFieldError('invalid_option', 'Initialize the data source before attachFiles().');
  // A data source that was destroyed and initialised again has new metadata and new subscribers.
  if (dataSource.subscribers.some((subscriber) => subscriber instanceof FileSubscriber))
    throw new FileFieldError('invalid_option', 'Files are attached to this data source already.');
  const entities = new TypeormEntities(dataSource);
  const files = await openFiles(databaseOf(dataSource), entities, options);
  for (const { column } of entities.all) {
    // Metadata belongs to the data source, so two data sources may keep files of one entity in different storages.
    if (isFileColumn(column.transformer)) column.transformer = column.transformer.attached(files.context);
  }
  dataSource.subscribers.push(
    new FileSubscriber(files.ledger, dialectOf(dataSource), (metadata) => entities.columns(metadata), files.copies),
  );
  return files;
}
