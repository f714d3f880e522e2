import type { DataSource } from 'typeorm';
import { FileFieldError } from '../../errors.js';
import type { Storage } from '../../file/storage.js';
import { DatabaseStorage, type DatabaseStorageOptions } from '../../storages/database.js';
import { databaseOf } from './database.js';

/**
 * A storage that keeps objects in tables of this data source's database, which `createFileObjects` makes: one backup has rows
 * and bytes. For small and middle-sized files; see "The database" in docs/storages.md for figures and limits.
 *
 * A write of up to 256 KiB is one INSERT. A larger one is an INSERT per 256 KiB, and nobody sees the object before the last
 * statement; what a killed process leaves is deleted with its key. A range costs one statement, and one more for each chunk
 * of a larger object. Memory: one chunk per upload and per download. No transaction of the application is used or kept open,
 * and never a replica. On SQLite, statements wait for an idle moment of the only connection, and reject with `busy` after 5
 * seconds: stage and read outside of your transactions.
 *
 * @throws `invalid_option` if the data source is not initialised, or for a wrong name; `unsupported` for other databases than
 * PostgreSQL, MariaDB, MySQL and SQLite.
 *
 * @example
 * ```ts
 * import { attachFiles, databaseStorage } from 'filefield/typeorm';
 * import type { DataSource } from 'typeorm';
 *
 * declare const dataSource: DataSource;
 * const files = await attachFiles(dataSource, { storages: { documents: databaseStorage(dataSource) } });
 * ```
 */
export function databaseStorage(dataSource: DataSource, options: DatabaseStorageOptions = {}): Storage {
  if (!dataSource.isInitialized)
    throw new FileFieldError('invalid_option', 'Initialize the data source before databaseStorage().');
  return new DatabaseStorage(databaseOf(dataSource), options);
}
