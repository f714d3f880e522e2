import type { Storage } from '../../file/storage.js';
import { DatabaseStorage, type DatabaseStorageOptions } from '../../storages/database.js';
import { databaseOf } from './database.js';
import type { MikroInstance } from './migrations.js';

/**
 * A storage that keeps objects in tables of this instance's database, which `createFileObjects` makes: one backup has rows and
 * bytes. For small and middle-sized files; see "The database" in docs/storages.md for figures and limits.
 *
 * A write of up to 256 KiB is one INSERT. A larger one is an INSERT per 256 KiB, and nobody sees the object before the last
 * statement; what a killed process leaves is deleted with its key. A range costs one statement, and one more for each chunk
 * of a larger object. Memory: one chunk per upload and per download. No transaction of the application is used or kept open,
 * and never a replica. On SQLite, statements wait for the only connection, and reject with `busy` after 5 seconds, or at once
 * inside a transaction of the caller: stage and read outside of your transactions.
 *
 * @throws `invalid_option` for a wrong name; `unsupported` for other databases than PostgreSQL, MariaDB, MySQL and SQLite.
 *
 * @example
 * ```ts
 * import type { MikroORM } from '@mikro-orm/core';
 * import { attachFiles, databaseStorage } from 'filefield/mikro-orm';
 *
 * declare const orm: MikroORM;
 * const files = await attachFiles(orm, { storages: { documents: databaseStorage(orm) } });
 * ```
 */
export function databaseStorage(orm: MikroInstance, options: DatabaseStorageOptions = {}): Storage {
  return new DatabaseStorage(databaseOf(orm), options);
}
