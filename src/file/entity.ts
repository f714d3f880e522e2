import type { StoredFile } from './stored-file.js';

/** An entity class, or what `EntitySchema` and `defineEntity` return. */
export type EntityRef<Entity = object> =
  | { readonly prototype: Entity; readonly name: string }
  | { readonly meta: { readonly class: { readonly prototype: Entity } } }
  | { readonly options: { readonly name: string } };

/** The properties of an entity that hold a file. */
export type FileFieldOf<Entity> = {
  [Property in keyof Entity & string]: [NonNullable<Entity[Property]>] extends [never]
    ? never
    : NonNullable<Entity[Property]> extends StoredFile
      ? Property
      : never;
}[keyof Entity & string];

/** What a column can be asked for by, as far as a URL is concerned. */
export type ColumnKind = 'integer' | 'bigint' | 'uuid' | 'text';

/** What a view needs of an ORM: look one object up. `Files` of `attachFiles` is one. */
export interface ObjectFinder {
  /**
   * Resolves to null when no row matches both `where`, which are columns and values, and `scope`, which is conditions in
   * the words of the ORM. Reads only; never from a cache of somebody else's request.
   */
  findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    relations?: readonly string[],
    scope?: Readonly<Record<string, unknown>>,
  ): Promise<Entity | null>;
  /** Throws `invalid_option` when the entity has no such column. */
  columnKind(entity: EntityRef, property: string): ColumnKind;
  /** Throws `invalid_option` unless the entity has one primary key column. */
  primaryKey(entity: EntityRef): string;
  /** Throws `invalid_option` unless the property is a file field. */
  checkFileField(entity: EntityRef, property: string): void;
}
