import type { EntityManager } from '@mikro-orm/core';
import type { EntityRef } from '../../file/entity.js';
import { fileTriggers as columnTriggers, type FileTriggerOptions } from '../../ledger/file-triggers.js';
import { dialectOf } from './database.js';
import { MikroEntities } from './entities.js';

/** Whose triggers, and what kind. */
export interface EntityTriggerOptions extends FileTriggerOptions {
  /**
   * One entity; its tables only.
   * @default all entities with file fields
   */
  readonly entity?: EntityRef;
}

/**
 * The statements that make and remove triggers that tell the ledger of every write to file columns, by nativeUpdate(),
 * query builders, raw SQL and other programs too. They need the ledger's tables and those of the entities, as the
 * entities are now: name the entity in a migration that others will follow.
 * WARNING: `up()` replaces triggers; `foreignKey` adds a column that the schema generator drops unless
 * `schemaGenerator.skipColumns` names it.
 *
 * @example
 * ```ts
 * import { Migration } from '@mikro-orm/migrations';
 * import { fileTriggers } from 'filefield/mikro-orm';
 *
 * export class FileTriggers extends Migration {
 *   override up(): void {
 *     for (const sql of fileTriggers(this.getEntityManager()).create) this.addSql(sql);
 *   }
 *   override down(): void {
 *     for (const sql of fileTriggers(this.getEntityManager()).drop) this.addSql(sql);
 *   }
 * }
 * ```
 */
export function fileTriggers(
  orm: EntityManager | { readonly em: EntityManager },
  options: EntityTriggerOptions = {},
): { readonly create: readonly string[]; readonly drop: readonly string[] } {
  const em = 'em' in orm ? orm.em : orm;
  const columns = new MikroEntities({ em }).columns(options.entity);
  const all = columns.map(({ trigger }) => columnTriggers(dialectOf(em), trigger, options));
  return { create: all.flatMap(({ create }) => create), drop: all.flatMap(({ drop }) => drop) };
}
