import { randomUUID } from 'node:crypto';
import {
  MetadataStorage,
  type Connection,
  type EntityManager,
  type EntityMetadata,
  type EntityProperty,
  type Platform,
} from '@mikro-orm/core';
import type { Sql } from '../../ledger/sql.js';

/**
 * What MikroORM 6.0 to 7.x keeps private, or types differently in its majors, and this package needs. Nothing else in this
 * folder reads private members.
 */

/** Properties of an entity, in the form in which decorators leave them. */
export type Properties = Record<string, Partial<Omit<EntityProperty, 'type'>> & { type: unknown }>;

interface Majors {
  /** MikroORM 6. */
  getMetadataFromDecorator?(target: object): EntityMetadata;
  /** MikroORM 7, whose decorators are in a package of their own. Entities are found by class; the path only has to exist. */
  getMetadata(entity: string, path: string, target: object): EntityMetadata;
  readonly PATH_SYMBOL: symbol;
}

/** Where legacy decorators of both majors keep the properties of a class. */
export function decoratedProperties(target: { readonly name: string } & object): Properties {
  const storage = MetadataStorage as unknown as Majors;
  if (storage.getMetadataFromDecorator) return storage.getMetadataFromDecorator(target).properties as Properties;
  if (!Object.hasOwn(target, storage.PATH_SYMBOL)) {
    Object.defineProperty(target, storage.PATH_SYMBOL, { value: target.name, writable: true });
  }
  const path = (target as Record<symbol, string>)[storage.PATH_SYMBOL] ?? target.name;
  return storage.getMetadata(target.name, path, target).properties as Properties;
}

/** Where `@mikro-orm/decorators/es` looks. The metadata of a class inherits from that of its base class: copy, then write. */
export function standardProperties(context: ClassFieldDecoratorContext): Properties {
  const metadata = context.metadata as { properties?: Properties };
  if (!Object.hasOwn(metadata, 'properties')) metadata.properties = { ...metadata.properties };
  return metadata.properties as Properties;
}

/** A property by its name. */
export function propertyOf(metadata: EntityMetadata, name: string): EntityProperty | undefined {
  return (metadata.properties as Readonly<Record<string, EntityProperty>>)[name];
}

/** With one table per class (MikroORM 7), the class whose table has the columns of the base class. */
export function parentTable(metadata: EntityMetadata): EntityMetadata | undefined {
  return (metadata as { readonly tptParent?: EntityMetadata }).tptParent;
}

/** True if a row of the entity is in several tables, one per class (MikroORM 7). */
export function hasTablePerClass(metadata: EntityMetadata): boolean {
  return (metadata as { readonly inheritanceType?: string }).inheritanceType === 'tpt';
}

/** What one statement writes, by property; with one table per class, one payload per table. */
export function payloadsOf(changeSet: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!changeSet) return [];
  const { payload, tptChangeSets = [] } = changeSet as {
    readonly payload: Readonly<Record<string, unknown>>;
    readonly tptChangeSets?: readonly { readonly payload: Readonly<Record<string, unknown>> }[];
  };
  return [payload, ...tptChangeSets.map((other) => other.payload)];
}

/** Names of the classes of the platform, from its own to the base: MariaDB's platform is a MySQL platform. */
export function platformClasses(em: EntityManager): readonly string[] {
  const names: string[] = [];
  for (let prototype: unknown = em.getPlatform(); prototype; prototype = Object.getPrototypeOf(prototype)) {
    names.push((prototype as object).constructor.name);
  }
  return names;
}

interface Clients {
  /** MikroORM 6. */
  getKnex?(): { raw(text: string, values: readonly unknown[]): Promise<unknown> };
  /** MikroORM 7: Kysely. */
  getClient(): { executeQuery(query: object): Promise<unknown> };
}

/**
 * Runs an INSERT and sends its values beside the text. MikroORM writes them into it: bytes as hexadecimal digits, which costs
 * three to seven times as much.
 */
export async function insertBound(
  connection: Connection,
  statement: Sql,
  placeholder: (index: number) => string,
): Promise<void> {
  await connection.ensureConnection();
  const clients = connection as unknown as Clients;
  const { values } = statement;
  if (clients.getKnex) {
    await clients.getKnex().raw(statement.text(), values);
    return;
  }
  const text = statement.text(placeholder);
  const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] };
  await clients.getClient().executeQuery({ sql: text, query, parameters: values, queryId: { queryId: randomUUID() } });
}

/** What the schema tools know about a table of the database. */
interface DatabaseTable {
  getColumns(): readonly { readonly name: string; readonly generated?: string }[];
  removeColumn(name: string): void;
  getIndexes(): readonly { readonly keyName: string }[];
  /** MikroORM 7. */
  getTriggers?(): readonly { readonly name: string }[];
}

interface SchemaHelper {
  loadInformationSchema(schema: { getTables(): readonly DatabaseTable[] }, ...others: unknown[]): Promise<void>;
}

const hidden = Symbol.for('filefield.mikro-orm.hidden');

/** Hides what `protectFiles` has made from the schema tools, which compare the database with the entities. */
export function hideProtection(platform: Platform): void {
  const helper = platform.getSchemaHelper() as unknown as (SchemaHelper & { [hidden]?: boolean }) | undefined;
  if (!helper || helper[hidden]) return;
  helper[hidden] = true;
  const load = helper.loadInformationSchema.bind(helper);
  helper.loadInformationSchema = async (schema, ...others) => {
    await load(schema, ...others);
    for (const table of schema.getTables()) hideIn(table);
  };
}

function hideIn(table: DatabaseTable): void {
  // MikroORM 7 takes the triggers of several events for one, without the event in its name.
  const isOurs = (name: string) => /^filefield_.*_[0-9a-f]{8}(?:_(?:id|insert|update|delete))?$/.test(name);
  const [indexes, triggers] = [table.getIndexes.bind(table), table.getTriggers?.bind(table)];
  table.getIndexes = () => indexes().filter(({ keyName }) => !isOurs(keyName));
  if (triggers) table.getTriggers = () => triggers().filter(({ name }) => !isOurs(name));
  for (const { name, generated = '' } of table.getColumns()) {
    const column = name.replace(/_id$/, '');
    const expression = generated.replace(/[`\s]/g, '');
    if (expression.includes(`json_unquote(json_extract(${column.replace(/\s/g, '')},'$.id'))`))
      table.removeColumn(name);
  }
}
