import type { EntityManager, EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { ColumnKind, EntityRef } from '../../file/entity.js';
import { FileFieldError } from '../../errors.js';
import type { FileField } from '../../fields/field.js';
import type { EntityPort, OnDeleted } from '../../fields/files.js';
import { dialectOf } from './database.js';
import { deleteRows } from './delete-rows.js';
import type { FieldProperty } from './field-property.js';
import { isFileType, type FileType } from './file-type.js';

const integers = /^(?:int|integer|int2|int4|smallint|mediumint|tinyint|smallserial|serial)\b/;
const bigints = /^(?:bigint|int8|bigserial)\b/;

/** What the rest of filefield asks about entities, answered from MikroORM's metadata. */
export class MikroEntities implements EntityPort {
  readonly #metadata: readonly EntityMetadata[];
  readonly #fields = new Map<object, readonly FieldProperty[]>();

  constructor(private readonly orm: { readonly em: EntityManager }) {
    const { em } = orm;
    this.#metadata = [...em.getMetadata()].filter((metadata) => isStored(metadata));
    for (const metadata of this.#metadata) {
      const found = metadata.props.filter((property) => isFileType(property.customType));
      this.#fields.set(
        metadata.class,
        found.map((property) => describe(em, metadata, property)),
      );
    }
  }

  get fields(): readonly FileField[] {
    return this.columns().map(({ field }) => field);
  }

  /** Each file column once, of all tables or of one entity's: entities of one table share its columns. */
  columns(entity?: EntityRef): readonly FieldProperty[] {
    const columns = new Map<string, FieldProperty>();
    for (const found of entity ? this.properties(this.#find(entity)) : [...this.#fields.values()].flat()) {
      columns.set(JSON.stringify([found.field.reference.owner, found.field.reference.slot]), found);
    }
    return [...columns.values()];
  }

  properties(metadata: EntityMetadata): readonly FieldProperty[] {
    return this.#fields.get(metadata.class) ?? [];
  }

  fileField(entity: EntityRef, property: string): FileField {
    const metadata = this.#find(entity);
    const found = this.properties(metadata).find(({ field }) => field.property === property);
    if (found) return found.field;
    throw new FileFieldError('invalid_option', `${metadata.className}.${property} is not a file field.`, {
      field: property,
    });
  }

  async findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    relations: readonly string[] = [],
    scope: Readonly<Record<string, unknown>> = {},
  ): Promise<Entity | null> {
    const both = Object.keys(scope).length > 0 ? { $and: [where, scope] } : where;
    // A fork has no identity map of somebody else's request, but keeps the filter parameters of this one.
    const found = await this.orm.em
      .fork()
      .findOne(this.#find(entity).class, both as never, { populate: relations as never });
    return found as Entity | null;
  }

  deleteRows(entity: EntityRef, where: Readonly<Record<string, unknown>>, deleted: OnDeleted): Promise<number> {
    const metadata = this.#find(entity);
    return deleteRows(this.orm.em, metadata, this.properties(metadata), where, deleted);
  }

  columnKind(entity: EntityRef, property: string): ColumnKind {
    const metadata = this.#find(entity);
    const column = metadata.properties[property as never] as EntityProperty | undefined;
    const type = column?.columnTypes?.[0]?.toLowerCase();
    if (!column || type === undefined || column.persist === false) {
      throw new FileFieldError('invalid_option', `${metadata.className} has no column "${property}".`, {
        field: property,
      });
    }
    if (type === 'uuid' || /^uuid/i.test(column.type)) return 'uuid';
    if (bigints.test(type)) return 'bigint';
    // SQLite's integers have 64 bits whatever they are called.
    if (integers.test(type)) return dialectOf(this.orm.em) === 'sqlite' ? 'bigint' : 'integer';
    return 'text';
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
    const found = this.#metadata.find(
      (one) => one.class === target || (schema && !target && one.className === schema.className),
    );
    if (found) return found;
    throw new FileFieldError('invalid_option', 'The entity is not part of the MikroORM instance with these files.');
  }
}

/** Whether an entity has rows of its own: no embeddable, no mere base class, no query. */
function isStored(metadata: EntityMetadata): boolean {
  const { embeddable, virtual, abstract, discriminatorColumn, tableName } = metadata;
  return !embeddable && !virtual && !!tableName && (!abstract || !!discriminatorColumn);
}

function describe(em: EntityManager, metadata: EntityMetadata, property: EntityProperty): FieldProperty {
  const path = pathOf(metadata, property);
  const at = `${metadata.className}.${path.join('.')}`;
  const column = property.fieldNames[0];
  if (property.object || property.array || !column) {
    throw new FileFieldError('unsupported', `${at} is inside a JSON column; a file needs a column of its own.`);
  }
  const owner = ownerOf(metadata, property);
  const schema = owner.schema ?? (em.config.get('schema') as string | undefined);
  if (schema === '*') {
    throw new FileFieldError('unsupported', `${at} is in a table of many schemas; a sweep could not look at them all.`);
  }
  const platform = em.getPlatform();
  const names = schema ? [schema, owner.tableName] : [owner.tableName];
  return {
    property,
    path,
    trigger: {
      ...(property.customType as unknown as FileType).options,
      ...(schema && { schema }),
      table: owner.tableName,
      column,
      primaryKey: owner.primaryKeys.flatMap((name) => (owner.properties[name as never] as EntityProperty).fieldNames),
    },
    field: {
      entity: metadata.className,
      property: path.join('.'),
      options: (property.customType as unknown as FileType).options,
      reference: {
        table: names.map((name) => platform.quoteIdentifier(name)).join('.'),
        column: platform.quoteIdentifier(column),
        owner: names.join('.'),
        slot: column,
        keys: owner.primaryKeys
          .flatMap((key) => owner.properties[key as never] as EntityProperty)
          .flatMap(({ fieldNames }) => fieldNames.map((name) => platform.quoteIdentifier(name))),
      },
    },
  };
}

function pathOf(metadata: EntityMetadata, property: EntityProperty): string[] {
  if (!property.embedded) return [property.name];
  const [parent, name] = property.embedded;
  return [...pathOf(metadata, metadata.properties[parent as never] as EntityProperty), name];
}

/** With one table per class (MikroORM 7), a property is a column of the table of the class that declares it. */
function ownerOf(metadata: EntityMetadata, property: EntityProperty): EntityMetadata {
  const parent = (metadata as { tptParent?: EntityMetadata }).tptParent;
  return parent && property.name in parent.properties ? ownerOf(parent, property) : metadata;
}
