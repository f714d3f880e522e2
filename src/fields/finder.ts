import type { ColumnKind } from '../file/column.js';
import type { EntityRef, FindOptions, ObjectFinder } from '../file/entity.js';
import type { Entities } from './entities.js';

/** What views ask for. */
export class Finder implements ObjectFinder {
  readonly #entities: Entities;

  /** @internal */
  constructor(entities: Entities) {
    this.#entities = entities;
  }

  findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    options?: FindOptions,
  ): Promise<Entity | null> {
    return this.#entities.findObject(entity, where, options);
  }

  columnKind(entity: EntityRef, property: string): ColumnKind {
    return this.#entities.columnKind(entity, property);
  }

  primaryKey(entity: EntityRef): string {
    return this.#entities.primaryKey(entity);
  }

  checkFileField(entity: EntityRef, property: string): void {
    this.#entities.fileField(entity, property);
  }
}
