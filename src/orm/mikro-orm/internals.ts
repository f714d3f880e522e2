import { MetadataStorage, type EntityManager, type EntityMetadata, type EntityProperty } from '@mikro-orm/core';

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
