import { LockMode, TransactionContext, wrap, type EntityManager, type EntityMetadata } from '@mikro-orm/core';
import { FileFieldError } from '../../errors.js';
import type { OnDeleted } from '../../fields/files.js';
import { databaseBusy } from '../../ledger/database-busy.js';
import { isStoredFile } from '../../file/stored-file.js';
import { dialectOf, transactionOf } from './database.js';
import { valueOf, type FieldProperty } from './field-property.js';

const batch = 500;

/** Deletes rows and tells of them, in one transaction. */
export async function deleteRows(
  em: EntityManager,
  metadata: EntityMetadata,
  properties: readonly FieldProperty[],
  where: Readonly<Record<string, unknown>>,
  deleted: OnDeleted,
): Promise<number> {
  const dialect = dialectOf(em);
  // The one connection of SQLite: inside of a transaction we would wait for ourselves.
  if (dialect === 'sqlite' && TransactionContext.getEntityManager(em.name)?.isInTransaction()) {
    throw databaseBusy('the current');
  }
  return em.fork().transactional(async (own) => {
    const transaction = transactionOf(own, dialect);
    let last = '';
    for (let count = 0; ;) {
      const rows = await own.find<object>(metadata.class as never, where as never, {
        limit: batch,
        populate: [] as never,
        ...(dialect !== 'sqlite' && { lockMode: LockMode.PESSIMISTIC_WRITE }),
      });
      if (rows.length === 0) return count;
      const keys = rows.map((row) => wrap(row, true).getPrimaryKeys(true) ?? []);
      // A trigger or rule of the application may keep rows that are to be deleted.
      if (last === JSON.stringify(keys)) throw new FileFieldError('database_failed', 'The database keeps the rows.');
      last = JSON.stringify(keys);
      await remove(own, metadata, rows);
      for (const property of properties) {
        const held = (row: object) => {
          const value = valueOf(row, property);
          return isStoredFile(value) ? value : null;
        };
        const found = rows.map((row, at) => ({ key: keys[at]!, held: held(row) }));
        await deleted(transaction, { field: property.field, rows: found });
      }
      own.clear();
      count += rows.length;
      if (rows.length < batch) return count;
    }
  });
}

async function remove(em: EntityManager, metadata: EntityMetadata, rows: readonly object[]): Promise<void> {
  // With one table per class a row is in several tables, and only the unit of work knows them all.
  if ((metadata as { inheritanceType?: string }).inheritanceType === 'tpt') {
    for (const row of rows) em.remove(row);
    await em.flush();
    return;
  }
  const [key, ...others] = metadata.primaryKeys as string[];
  const value = (row: object, name: string) => (row as Record<string, unknown>)[name];
  const where =
    key !== undefined && others.length === 0
      ? { [key]: { $in: rows.map((row) => value(row, key)) } }
      : { $or: rows.map((row) => Object.fromEntries(metadata.primaryKeys.map((name) => [name, value(row, name)]))) };
  await em.nativeDelete(metadata.class as never, where as never);
}
