import { IsNull, type DataSource, type EntityMetadata, type ObjectLiteral } from 'typeorm';
import { FileFieldError } from '../../errors.js';
import type { OnDeleted } from '../../fields/files.js';
import { isStoredFile } from '../../file/stored-file.js';
import { dialectOf, transactionOf } from './database.js';
import { keyOf, valueOf, type FieldColumn } from './entity-values.js';

const batch = 500;

/** Deletes rows and tells of them, in one transaction; soft-deleted ones too, as `repository.delete()` does. */
export function deleteRows(
  dataSource: DataSource,
  metadata: EntityMetadata,
  columns: readonly FieldColumn[],
  where: Readonly<Record<string, unknown>>,
  deleted: OnDeleted,
): Promise<number> {
  const dialect = dialectOf(dataSource);
  // TypeORM 0.3 takes null for "no matter what".
  const matching = Object.fromEntries(Object.entries(where).map(([name, value]) => [name, value ?? IsNull()]));
  return dataSource.transaction(async (manager) => {
    const transaction = transactionOf(manager.queryRunner!, dialect);
    let last = '';
    for (let count = 0; ;) {
      const rows = await manager.getRepository<ObjectLiteral>(metadata.target).find({
        where: matching,
        take: batch,
        withDeleted: true,
        loadEagerRelations: false,
        // SQLite has no row locks: its transactions have the whole database.
        ...(dialect !== 'sqlite' && { lock: { mode: 'pessimistic_write' } }),
      });
      if (rows.length === 0) return count;
      const keys = rows.map((row) => keyOf(metadata, row) ?? []);
      // A trigger or rule of the application may keep rows that are to be deleted.
      if (last === JSON.stringify(keys)) throw new FileFieldError('database_failed', 'The database keeps the rows.');
      last = JSON.stringify(keys);
      const ids = rows.map((row) => metadata.getEntityIdMap(row));
      await manager.createQueryBuilder().delete().from(metadata.target).whereInIds(ids).callListeners(false).execute();
      for (const { column, field } of columns) {
        const held = (row: ObjectLiteral) => {
          const value = valueOf(column, row);
          return isStoredFile(value) ? value : null;
        };
        await deleted(transaction, { field, rows: rows.map((row, at) => ({ key: keys[at]!, held: held(row) })) });
      }
      count += rows.length;
      if (rows.length < batch) return count;
    }
  });
}
