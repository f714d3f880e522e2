import type * as core from '@mikro-orm/core';
import { MetadataStorage, type Options } from '@mikro-orm/core';

/** The major that this jest project resolves `@mikro-orm/core` to. */
export const major = 'getMetadataFromDecorator' in MetadataStorage ? 6 : 7;

type Legacy = Pick<
  typeof core,
  'Embeddable' | 'Embedded' | 'Entity' | 'Enum' | 'ManyToOne' | 'PrimaryKey' | 'Property' | 'ReflectMetadataProvider'
>;

/** Imports a package that only one of the majors has. */
export function load(name: string): Promise<unknown> {
  return import(name);
}

/** The legacy decorators, which are a separate package in MikroORM 7. */
export const legacy = (await load(major === 6 ? '@mikro-orm/core' : '@mikro-orm/decorators/legacy')) as Legacy;

/** The package of the driver for SQLite, and its name there. */
export const sqlitePackage =
  major === 6 ? (['@mikro-orm/sqlite', 'SqliteDriver'] as const) : (['@mikro-orm/libsql', 'LibSqlDriver'] as const);

/** The driver for SQLite. */
export async function sqliteDriver(): Promise<NonNullable<Options['driver']>> {
  const [name, driver] = sqlitePackage;
  return ((await load(name)) as Record<string, NonNullable<Options['driver']>>)[driver]!;
}
