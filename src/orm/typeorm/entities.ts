import {
  And,
  Equal,
  InstanceChecker,
  type DataSource,
  type EntityMetadata,
  type EntityTarget,
  type FindOperator,
  type ObjectLiteral,
} from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import type { ColumnKind, EntityRef } from '../../file/entity.js';
import { FileFieldError } from '../../errors.js';
import type { FileField } from '../../fields/field.js';
import type { EntityPort, OnDeleted } from '../../fields/files.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { dialectOf } from './database.js';
import { deleteRows } from './delete-rows.js';
import type { FieldColumn } from './entity-values.js';
import { isFileColumn } from './file-column.js';

const integers = new Set<unknown>([
  Number,
  'int',
  'integer',
  'int2',
  'int4',
  'smallint',
  'mediumint',
  'tinyint',
  'serial',
]);
const bigints = new Set<unknown>([BigInt, 'bigint', 'int8', 'bigserial']);

/** What the rest of filefield asks about entities, answered from TypeORM's metadata. */
export class TypeormEntities implements EntityPort {
  readonly #columns = new Map<EntityMetadata, readonly FieldColumn[]>();

  constructor(private readonly dataSource: DataSource) {
    for (const metadata of dataSource.entityMetadatas) {
      const found = metadata.columns.filter((column) => isFileColumn(column.transformer));
      this.#columns.set(
        metadata,
        found.map((column) => ({ column, field: describe(dataSource, metadata, column) })),
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
    const found = this.columns(metadata).find(({ field }) => field.property === property);
    if (found) return found.field;
    throw new FileFieldError('invalid_option', `${metadata.name}.${property} is not a file field.`, {
      field: property,
    });
  }

  async findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    relations: readonly string[] = [],
    scope: Readonly<Record<string, unknown>> = {},
  ): Promise<Entity | null> {
    const found = await this.dataSource.getRepository(target(entity)).findOne({
      where: { ...scope, ...where, ...onBoth(where, scope) },
      relations: Object.fromEntries(relations.map((name) => [name, true])),
    });
    return found as Entity | null;
  }

  deleteRows(entity: EntityRef, where: Readonly<Record<string, unknown>>, deleted: OnDeleted): Promise<number> {
    const metadata = this.#metadata(entity);
    return deleteRows(this.dataSource, metadata, this.columns(metadata), where, deleted);
  }

  /** The file columns of one entity's table. Throws `invalid_option` when the data source has no such entity. */
  of(entity: EntityRef): readonly FieldColumn[] {
    return this.columns(this.#metadata(entity));
  }

  columnKind(entity: EntityRef, property: string): ColumnKind {
    const metadata = this.#metadata(entity);
    const column = metadata.findColumnWithPropertyName(property);
    if (!column)
      throw new FileFieldError('invalid_option', `${metadata.name} has no column "${property}".`, { field: property });
    if (column.type === 'uuid' || column.generationStrategy === 'uuid') return 'uuid';
    if (bigints.has(column.type)) return 'bigint';
    // SQLite's integers have 64 bits whatever they are called.
    if (integers.has(column.type)) return dialectOf(this.dataSource) === 'sqlite' ? 'bigint' : 'integer';
    return 'text';
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

/** What both name: the scope must not be lost, and must not be all there is. */
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

function describe(dataSource: DataSource, metadata: EntityMetadata, column: ColumnMetadata): FileField {
  if (!isFileColumn(column.transformer)) throw new TypeError('not a file column');
  const { driver } = dataSource;
  return {
    entity: metadata.name,
    property: column.propertyPath,
    options: column.transformer.options,
    reference: {
      table: metadata.tablePath
        .split('.')
        .map((part) => driver.escape(part))
        .join('.'),
      column: driver.escape(column.databaseName),
      owner: metadata.tablePath,
      slot: column.databaseName,
      ...(metadata.primaryColumns.every(isPlain) && {
        keys: metadata.primaryColumns.map((key) => driver.escape(key.databaseName)),
      }),
      ...counting(dataSource, metadata, column.transformer.options),
    },
  };
}

/** Whether the database compares the column with what the entity holds. */
function isPlain(column: ColumnMetadata): boolean {
  return !column.transformer && column.type !== 'simple-array' && column.type !== 'simple-json';
}

/** A soft-deleted row counts, unless its policy lets the bytes go. */
function counting(dataSource: DataSource, metadata: EntityMetadata, options: FileFieldOptions): { counts?: string } {
  const deleted = metadata.deleteDateColumn;
  if (!deleted || (options.onSoftDelete ?? 'keep') === 'keep') return {};
  return { counts: `${dataSource.driver.escape(deleted.databaseName)} IS NULL` };
}
