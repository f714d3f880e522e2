import {
  LockMode,
  wrap,
  type EntityManager,
  type EntityMetadata,
  type EntityName,
  type EntityProperty,
  type FilterQuery,
} from '@mikro-orm/core';
import { FileFieldError } from '../../errors.js';
import type { Conditions, MatchingRow, MatchingRows } from '../../fields/delete-many.js';
import type { Entities, KeyedRow } from '../../fields/entities.js';
import type { FileField } from '../../fields/field.js';
import { columnKindOf, type ColumnKind } from '../../file/column.js';
import type { EntityRef, FindOptions } from '../../file/entity.js';
import { isStoredFile } from '../../file/stored-file.js';
import { retried, type LedgerConnection } from '../../ledger/connection.js';
import type { ProtectedColumn } from '../../ledger/protection.js';
import { checkNotInTransaction, dialectOf, transactionOf } from './database.js';
import { isFileType, type FileType } from './file-type.js';
import { hasTablePerClass, parentTable, propertyOf } from './internals.js';

/** A file field and its property. */
export interface FieldProperty {
  readonly field: FileField;
  readonly property: EntityProperty;
  /** Names from the entity to the value; more than one where it is embedded. */
  readonly path: readonly string[];
  /** The column by plain names, with its policies. */
  readonly column: ProtectedColumn;
}

/**
 * The field in the schema that an entity was written to. An entity manager of `fork({ schema })` writes to a table of
 * another schema than the one of the metadata; its files belong to that table, not to the one that a sweep looks at.
 */
export function fieldOf({ field, column }: FieldProperty, schema: string | undefined, em: EntityManager): FileField {
  if (schema === undefined || schema === column.schema) return field;
  const names = [schema, column.table];
  const table = names.map((name) => em.getPlatform().quoteIdentifier(name)).join('.');
  return { ...field, reference: { ...field.reference, table, owner: names.join('.'), onPath: undefined } };
}

/** The value of the property in an entity. */
export function valueOf(entity: object, { path }: FieldProperty): unknown {
  return path.reduce<unknown>(
    (value, name) => (value as Readonly<Record<string, unknown>> | null | undefined)?.[name],
    entity,
  );
}

/** `Entities` from MikroORM's metadata and entity manager. */
export class MikroEntities implements Entities {
  readonly #metadata: readonly EntityMetadata[];
  readonly #fields = new Map<object, readonly FieldProperty[]>();

  constructor(private readonly orm: { readonly em: EntityManager }) {
    const { em } = orm;
    this.#metadata = [...em.getMetadata()].filter((metadata) => isStored(metadata));
    for (const metadata of this.#metadata) {
      const properties = metadata.props.filter((property) => isFileType(property.customType));
      this.#fields.set(
        metadata.class,
        properties.map((property) => fieldPropertyOf(em, metadata, property)),
      );
    }
  }

  get fields(): readonly FileField[] {
    return this.columns().map(({ field }) => field);
  }

  /** Each file column once, of all tables or of one entity's: entities of one table share its columns. */
  columns(entity?: EntityRef): readonly FieldProperty[] {
    const columns = new Map<string, FieldProperty>();
    for (const property of entity ? this.properties(this.#find(entity)) : [...this.#fields.values()].flat()) {
      columns.set(JSON.stringify([property.field.reference.owner, property.field.reference.slot]), property);
    }
    return [...columns.values()];
  }

  properties(metadata: EntityMetadata): readonly FieldProperty[] {
    return this.#fields.get(metadata.class) ?? [];
  }

  fileField(entity: EntityRef, property: string): FileField {
    const metadata = this.#find(entity);
    const known = this.properties(metadata).find(({ field }) => field.property === property);
    if (known) return known.field;
    throw new FileFieldError('invalid_option', `${metadata.className}.${property} is not a file field.`, {
      field: property,
    });
  }

  async findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    { relations = [], scope = {}, replica = false }: FindOptions = {},
  ): Promise<Entity | null> {
    const both = Object.keys(scope).length > 0 ? { $and: [where, scope] } : where;
    // A fork does not share the identity map of another request, but keeps the filter parameters of this one. MikroORM reads
    // from a replica by default.
    const object = await this.orm.em.fork().findOne(this.#find(entity).class, both as never, {
      populate: relations as never,
      connectionType: replica ? 'read' : 'write',
    });
    return object as Entity | null;
  }

  async deleteRows(
    entity: EntityRef,
    where: Conditions,
    work: (rows: MatchingRows) => Promise<number>,
  ): Promise<number> {
    const metadata = this.#find(entity);
    checkNotInTransaction(this.orm.em);
    return this.orm.em.fork().transactional((em) => work(matchingRows(em, metadata, this.properties(metadata), where)));
  }

  async rowsOf(entity: EntityRef, keys: readonly (readonly unknown[])[]): Promise<readonly KeyedRow[]> {
    return keyedRows(this.orm.em.fork(), this.#find(entity), keys, false);
  }

  async changeRows<Result>(
    entity: EntityRef,
    keys: readonly (readonly unknown[])[],
    work: (rows: readonly KeyedRow[], transaction: LedgerConnection) => Promise<Result>,
  ): Promise<Result> {
    const metadata = this.#find(entity);
    checkNotInTransaction(this.orm.em);
    return retried(() =>
      this.orm.em.fork().transactional(async (em) => {
        const dialect = dialectOf(em);
        const rows = await keyedRows(em, metadata, keys, dialect.name !== 'sqlite');
        // What the work does to the entities is not written.
        em.clear();
        return work(rows, transactionOf(em, dialect));
      }),
    );
  }

  named(name: string): EntityRef {
    const metadata = this.#metadata.find(({ className }) => className === name);
    if (metadata) return metadata.class as EntityRef;
    throw new FileFieldError('invalid_option', `The MikroORM instance has no entity "${name}".`);
  }

  columnKind(entity: EntityRef, property: string): ColumnKind {
    const metadata = this.#find(entity);
    const column = propertyOf(metadata, property);
    const type = column?.columnTypes?.[0]?.toLowerCase();
    if (!column || type === undefined || column.persist === false) {
      throw new FileFieldError('invalid_option', `${metadata.className} has no column "${property}".`, {
        field: property,
      });
    }
    if (column.enum && column.items) return column.items.map(String);
    if (/^uuid/i.test(column.type)) return 'uuid';
    if (column.runtimeType === 'boolean') return 'boolean';
    return columnKindOf(type, dialectOf(this.orm.em).name === 'sqlite');
  }

  primaryKey(entity: EntityRef): string {
    const metadata = this.#find(entity);
    const [key, ...others] = metadata.primaryKeys;
    if (key && others.length === 0) return key;
    throw new FileFieldError(
      'invalid_option',
      `${metadata.className} has no single primary key column; name a slugField.`,
    );
  }

  #find(entity: EntityRef): EntityMetadata {
    const schema = 'meta' in entity ? (entity.meta as Partial<EntityMetadata>) : undefined;
    const target: unknown = schema ? schema.class : entity;
    // In MikroORM 6 a schema without a class gets one in each ORM instance, and names are unique there.
    const metadata = this.#metadata.find(
      (one) => one.class === target || (schema && !target && one.className === schema.className),
    );
    if (metadata) return metadata;
    throw new FileFieldError('invalid_option', 'The entity is not part of the MikroORM instance with these files.');
  }
}

/** True if an entity has rows of its own: not an embeddable, a base class, or a query. */
function isStored(metadata: EntityMetadata): boolean {
  const { embeddable, virtual, abstract, discriminatorColumn, tableName } = metadata;
  return !embeddable && !virtual && !!tableName && (!abstract || !!discriminatorColumn);
}

function matchingRows(
  em: EntityManager,
  metadata: EntityMetadata,
  properties: readonly FieldProperty[],
  where: Conditions,
): MatchingRows {
  const entityName = metadata.class as EntityName<object>;
  const dialect = dialectOf(em);
  return {
    fields: properties.map(({ field }) => field),
    transaction: transactionOf(em, dialect),
    async find(count) {
      // Rows of the last batch need no memory any more.
      em.clear();
      const rows = await em.find(entityName, where as FilterQuery<object>, {
        limit: count,
        populate: [],
        ...(dialect.name !== 'sqlite' && { lockMode: LockMode.PESSIMISTIC_WRITE }),
      });
      return rows.map((entity) => matchingRow(properties, entity));
    },
    delete: (rows) => deleteAll(em, metadata, entityName, rows),
  };
}

async function keyedRows(
  em: EntityManager,
  metadata: EntityMetadata,
  keys: readonly (readonly unknown[])[],
  lock: boolean,
): Promise<readonly KeyedRow[]> {
  const names = metadata.primaryKeys as string[];
  const where =
    names.length === 1
      ? { [names[0]!]: { $in: keys.map(([key]) => key) } }
      : { $or: keys.map((parts) => Object.fromEntries(names.map((name, index) => [name, parts[index]]))) };
  const rows = await em.find(metadata.class as EntityName<object>, where as FilterQuery<object>, {
    populate: [],
    filters: false,
    connectionType: 'write',
    ...(lock && { lockMode: LockMode.PESSIMISTIC_WRITE }),
  });
  return rows.map((entity) => ({ key: wrap(entity, true).getPrimaryKeys(true) ?? [], entity }));
}

function matchingRow(properties: readonly FieldProperty[], entity: object): MatchingRow {
  const held = properties.flatMap((property) => {
    const file = valueOf(entity, property);
    return isStoredFile(file) ? [[property.field, file] as const] : [];
  });
  return { key: wrap(entity, true).getPrimaryKeys(true) ?? [], held: new Map(held), entity };
}

async function deleteAll(
  em: EntityManager,
  metadata: EntityMetadata,
  entityName: EntityName<object>,
  rows: readonly MatchingRow[],
): Promise<void> {
  // With one table per class a row is in several tables, and only the unit of work knows them all.
  if (hasTablePerClass(metadata)) {
    for (const { entity } of rows) em.remove(entity);
    await em.flush();
    return;
  }
  const keys = rows.map(({ entity }) =>
    Object.fromEntries(metadata.primaryKeys.map((name) => [name, (entity as Readonly<Record<string, unknown>>)[name]])),
  );
  const [key, ...others] = metadata.primaryKeys as string[];
  const where =
    key !== undefined && others.length === 0 ? { [key]: { $in: keys.map((values) => values[key]) } } : { $or: keys };
  await em.nativeDelete(entityName, where as FilterQuery<object>);
}

function fieldPropertyOf(em: EntityManager, metadata: EntityMetadata, property: EntityProperty): FieldProperty {
  const path = pathOf(metadata, property);
  const { options } = property.customType as unknown as FileType;
  const at = `${metadata.className}.${path.join('.')}`;
  const column = property.fieldNames[0];
  if (property.object || property.array || !column) {
    throw new FileFieldError('unsupported', `${at} is inside a JSON column; a file needs a column of its own.`);
  }
  if ((options.onSoftDelete ?? 'keep') !== 'keep') {
    throw new FileFieldError(
      'unsupported',
      `${at} has the option "onSoftDelete", but MikroORM has no soft delete; release the file by setting the property to null.`,
    );
  }
  const owner = ownerOf(metadata, property);
  const schema = owner.schema ?? (em.config.get('schema') as string | undefined);
  if (schema === '*') {
    throw new FileFieldError('unsupported', `${at} is in a table of many schemas; a sweep could not look at them all.`);
  }
  const platform = em.getPlatform();
  const names = schema ? [schema, owner.tableName] : [owner.tableName];
  // MikroORM does not name the default schema in its statements.
  const isOnPath = schema === platform.getDefaultSchemaName();
  const name = { ...(schema && { schema }), table: owner.tableName, column };
  return {
    property,
    path,
    column: {
      ...options,
      ...name,
      primaryKey: owner.primaryKeys.flatMap((name) => propertyOf(owner, name)?.fieldNames ?? []),
    },
    field: {
      entity: metadata.className,
      property: path.join('.'),
      options,
      reference: {
        table: (isOnPath ? names.slice(-1) : names).map((name) => platform.quoteIdentifier(name)).join('.'),
        ...(isOnPath && { onPath: { table: owner.tableName, ...(schema && { home: schema }) } }),
        column: platform.quoteIdentifier(column),
        owner: names.join('.'),
        slot: column,
        name,
        keys: owner.primaryKeys
          .flatMap((key) => propertyOf(owner, key)?.fieldNames ?? [])
          .map((name) => platform.quoteIdentifier(name)),
      },
    },
  };
}

function pathOf(metadata: EntityMetadata, property: EntityProperty): string[] {
  if (!property.embedded) return [property.name];
  const [parent, name] = property.embedded;
  return [...pathOf(metadata, propertyOf(metadata, parent)!), name];
}

/** With one table per class (MikroORM 7), a property is a column of the table of the class that declares it. */
function ownerOf(metadata: EntityMetadata, property: EntityProperty): EntityMetadata {
  const parent = parentTable(metadata);
  return parent && property.name in parent.properties ? ownerOf(parent, property) : metadata;
}
