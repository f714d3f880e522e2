import {
  And,
  Equal,
  InstanceChecker,
  IsNull,
  type DataSource,
  type EntityManager,
  type EntityMetadata,
  type EntityTarget,
  type FindOperator,
  type ObjectLiteral,
} from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { columnKindOf, type ColumnKind } from '../../file/column.js';
import type { EntityRef, FindOptions } from '../../file/entity.js';
import { FileFieldError } from '../../errors.js';
import type { FileField } from '../../fields/field.js';
import type { Conditions, MatchingRow, MatchingRows } from '../../fields/delete-many.js';
import type { Entities, KeyedRow } from '../../fields/entities.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { isStoredFile } from '../../file/stored-file.js';
import { retried, type LedgerConnection } from '../../ledger/connection.js';
import { dialectOf, transactionOf } from './database.js';
import { keyOf, valueOf, type FieldColumn } from './entity-values.js';
import { isFileColumn } from './file-column.js';

/** The types of a column that are written as constructors. */
const constructors = new Map<unknown, string>([
  [Number, 'integer'],
  [BigInt, 'bigint'],
  [Boolean, 'boolean'],
  [Date, 'datetime'],
]);

/** `Entities` from TypeORM's metadata and repositories. */
export class TypeormEntities implements Entities {
  readonly #columns = new Map<EntityMetadata, readonly FieldColumn[]>();

  constructor(private readonly dataSource: DataSource) {
    for (const metadata of dataSource.entityMetadatas) {
      const columns = metadata.columns.filter((column) => isFileColumn(column.transformer));
      this.#columns.set(
        metadata,
        columns.map((column) => ({ column, field: fieldOf(dataSource, metadata, column) })),
      );
    }
  }

  get fields(): readonly FileField[] {
    return [...this.#columns.values()].flat().map(({ field }) => field);
  }

  columns(metadata: EntityMetadata): readonly FieldColumn[] {
    return this.#columns.get(metadata) ?? [];
  }

  get all(): readonly FieldColumn[] {
    return [...this.#columns.values()].flat();
  }

  fileField(entity: EntityRef, property: string): FileField {
    const metadata = this.#metadata(entity);
    const column = this.columns(metadata).find(({ field }) => field.property === property);
    if (column) return column.field;
    throw new FileFieldError('invalid_option', `${metadata.name}.${property} is not a file field.`, {
      field: property,
    });
  }

  async findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    { relations = [], scope = {}, replica = false }: FindOptions = {},
  ): Promise<Entity | null> {
    const find = (manager: EntityManager) =>
      manager.findOne(target(entity), {
        where: { ...scope, ...where, ...onBoth(where, scope) },
        relations: Object.fromEntries(relations.map((name) => [name, true])),
      }) as Promise<Entity | null>;
    const { driver, manager } = this.dataSource;
    if (!driver.isReplicated) return find(manager);
    // TypeORM reads from a replica by default.
    const runner = this.dataSource.createQueryRunner(replica ? 'slave' : 'master');
    try {
      return await find(runner.manager);
    } finally {
      await runner.release();
    }
  }

  /** Soft-deleted rows are deleted too, as by `repository.delete()`. */
  deleteRows(entity: EntityRef, where: Conditions, work: (rows: MatchingRows) => Promise<number>): Promise<number> {
    const metadata = this.#metadata(entity);
    return this.dataSource.transaction((manager) =>
      work(matchingRows(manager, metadata, this.columns(metadata), where)),
    );
  }

  async rowsOf(entity: EntityRef, keys: readonly (readonly unknown[])[]): Promise<readonly KeyedRow[]> {
    const find = (manager: EntityManager) => keyedRows(manager, this.#metadata(entity), keys, false);
    const { driver, manager } = this.dataSource;
    if (!driver.isReplicated) return find(manager);
    const runner = this.dataSource.createQueryRunner('master');
    try {
      return await find(runner.manager);
    } finally {
      await runner.release();
    }
  }

  changeRows<Result>(
    entity: EntityRef,
    keys: readonly (readonly unknown[])[],
    work: (rows: readonly KeyedRow[], transaction: LedgerConnection) => Promise<Result>,
  ): Promise<Result> {
    const metadata = this.#metadata(entity);
    const dialect = dialectOf(this.dataSource);
    return retried(() =>
      this.dataSource.transaction(async (manager) =>
        work(
          await keyedRows(manager, metadata, keys, dialect.name !== 'sqlite'),
          transactionOf(manager.queryRunner!, dialect),
        ),
      ),
    );
  }

  named(name: string): EntityRef {
    const metadata = this.dataSource.entityMetadatas.find((one) => one.name === name);
    if (metadata) return metadata.target as unknown as EntityRef;
    throw new FileFieldError('invalid_option', `The data source has no entity "${name}".`);
  }

  /** The file columns of one entity's table. Throws `invalid_option` if the data source has no such entity. */
  columnsOf(entity: EntityRef): readonly FieldColumn[] {
    return this.columns(this.#metadata(entity));
  }

  columnKind(entity: EntityRef, property: string): ColumnKind {
    const metadata = this.#metadata(entity);
    const column = metadata.findColumnWithPropertyName(property);
    if (!column)
      throw new FileFieldError('invalid_option', `${metadata.name} has no column "${property}".`, { field: property });
    if (column.enum) return column.enum.map(String);
    if (column.generationStrategy === 'uuid') return 'uuid';
    const type = constructors.get(column.type) ?? String(column.type);
    return columnKindOf(type, dialectOf(this.dataSource).name === 'sqlite');
  }

  primaryKey(entity: EntityRef): string {
    const metadata = this.#metadata(entity);
    const [key, ...others] = metadata.primaryColumns;
    if (key && others.length === 0) return key.propertyName;
    throw new FileFieldError('invalid_option', `${metadata.name} has no single primary key column; name a slugField.`);
  }

  #metadata(entity: EntityRef): EntityMetadata {
    if (this.dataSource.hasMetadata(target(entity))) return this.dataSource.getMetadata(target(entity));
    throw new FileFieldError(
      'invalid_option',
      'The entity is not part of the data source that these files are attached to.',
    );
  }
}

/** Columns that both conditions name: a row must meet both. */
function onBoth(where: object, scope: Readonly<Record<string, unknown>>): Record<string, FindOperator<unknown>> {
  const shared = Object.entries(where).filter(([name]) => name in scope);
  return Object.fromEntries(shared.map(([name, value]) => [name, And(Equal(value), asOperator(scope[name]))]));
}

function asOperator(condition: unknown): FindOperator<unknown> {
  return InstanceChecker.isFindOperator(condition) ? condition : Equal(condition);
}

function target(entity: EntityRef): EntityTarget<ObjectLiteral> {
  return entity as EntityTarget<ObjectLiteral>;
}

function matchingRows(
  manager: EntityManager,
  metadata: EntityMetadata,
  columns: readonly FieldColumn[],
  where: Conditions,
): MatchingRows {
  const dialect = dialectOf(manager.connection);
  // To TypeORM 0.3, null means "any value".
  const conditions = Object.fromEntries(Object.entries(where).map(([name, value]) => [name, value ?? IsNull()]));
  return {
    fields: columns.map(({ field }) => field),
    transaction: transactionOf(manager.queryRunner!, dialect),
    async find(count) {
      const rows = await manager.getRepository<ObjectLiteral>(metadata.target).find({
        where: conditions,
        take: count,
        withDeleted: true,
        loadEagerRelations: false,
        // A transaction of SQLite locks the whole database; there are no row locks.
        ...(dialect.name !== 'sqlite' && { lock: { mode: 'pessimistic_write' } }),
      });
      return rows.map((entity) => matchingRow(metadata, columns, entity));
    },
    async delete(rows) {
      const ids = rows.map(({ entity }) => metadata.getEntityIdMap(entity));
      await manager.createQueryBuilder().delete().from(metadata.target).whereInIds(ids).callListeners(false).execute();
    },
  };
}

async function keyedRows(
  manager: EntityManager,
  metadata: EntityMetadata,
  keys: readonly (readonly unknown[])[],
  lock: boolean,
): Promise<readonly KeyedRow[]> {
  const ids = keys.map((parts) =>
    Object.fromEntries(metadata.primaryColumns.map(({ propertyName }, index) => [propertyName, parts[index]])),
  );
  const query = manager
    .createQueryBuilder<ObjectLiteral>(metadata.target as EntityTarget<ObjectLiteral>, 'row')
    .whereInIds(ids)
    .withDeleted();
  const rows = await (lock ? query.setLock('pessimistic_write') : query).getMany();
  return rows.map((entity) => ({ key: keyOf(metadata, entity) ?? [], entity }));
}

function matchingRow(metadata: EntityMetadata, columns: readonly FieldColumn[], entity: ObjectLiteral): MatchingRow {
  const held = columns.flatMap(({ column, field }) => {
    const file = valueOf(column, entity);
    return isStoredFile(file) ? [[field, file] as const] : [];
  });
  return { key: keyOf(metadata, entity) ?? [], held: new Map(held), entity };
}

function fieldOf(dataSource: DataSource, metadata: EntityMetadata, column: ColumnMetadata): FileField {
  if (!isFileColumn(column.transformer)) throw new TypeError('not a file column');
  const { driver } = dataSource;
  const path = metadata.tablePath.split('.');
  const table = path.at(-1) ?? metadata.tableName;
  const schema = path.slice(0, -1).join('.');
  return {
    entity: metadata.name,
    property: column.propertyPath,
    options: column.transformer.options,
    reference: {
      table: path.map((part) => driver.escape(part)).join('.'),
      column: driver.escape(column.databaseName),
      owner: metadata.tablePath,
      slot: column.databaseName,
      name: { ...(schema !== '' && { schema }), table, column: column.databaseName },
      ...(schema === '' && { onPath: { table } }),
      ...(metadata.primaryColumns.every(isComparable) && {
        keys: metadata.primaryColumns.map((key) => driver.escape(key.databaseName)),
      }),
      ...counting(dataSource, metadata, column.transformer.options),
    },
  };
}

/** True if the database holds what the entity holds, so that the two can be compared. */
function isComparable(column: ColumnMetadata): boolean {
  return !column.transformer && column.type !== 'simple-array' && column.type !== 'simple-json';
}

/** The files of soft-deleted rows count as referred to, unless the policy of the field releases them. */
function counting(dataSource: DataSource, metadata: EntityMetadata, options: FileFieldOptions): { counts?: string } {
  const deleted = metadata.deleteDateColumn;
  if (!deleted || (options.onSoftDelete ?? 'keep') === 'keep') return {};
  return { counts: `${dataSource.driver.escape(deleted.databaseName)} IS NULL` };
}
