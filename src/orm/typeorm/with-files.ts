import type { DataSource } from 'typeorm';
import { objectName } from '../../ledger/trigger-column.js';
import { dialectOf } from './database.js';
import { TypeormEntities } from './entities.js';
import { afterMetadata, declareGenerated, declareIndex } from './internals.js';

/**
 * Declares to TypeORM what `protectFiles` makes, so that `migration:generate` does not drop it and `synchronize` keeps it:
 * on SQLite the index, on MariaDB and MySQL the generated column with its index. Put it around the data source that the
 * application and the schema tools load. It returns the same data source; entities and queries do not change.
 * WARNING: on SQLite, TypeORM changes a table by copying it, which loses triggers and the index: call `protectFiles` again at
 * the end of such a migration.
 *
 * @example
 * ```ts
 * import { withFiles } from 'filefield/typeorm';
 * import { DataSource } from 'typeorm';
 *
 * export const dataSource = withFiles(new DataSource({ type: 'postgres', entities: ['entities/*.js'] }));
 * ```
 */
export function withFiles<Source extends DataSource>(dataSource: Source): Source {
  afterMetadata(dataSource, () => declare(dataSource));
  return dataSource;
}

function declare(dataSource: DataSource): void {
  const dialect = dialectOf(dataSource);
  for (const { column, field } of new TypeormEntities(dataSource).all) {
    const { name } = field.reference;
    // PostgreSQL's indexes on expressions are left alone.
    if (!name || dialect.name === 'postgres') continue;
    const generated = dialect.idColumn?.(name.column);
    const indexed = generated ? declareGenerated(dataSource, column.entityMetadata, generated) : column;
    declareIndex(dataSource, indexed, objectName(name, 'id'));
  }
}
