import type { ColumnKind } from './column.js';
import type { StoredFile } from './stored-file.js';

/** An entity: its class, or the value that `EntitySchema` or `defineEntity` returns. */
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

/** How one row is looked for. */
export interface FindOptions {
  /** Relations to load with the row. */
  readonly relations?: readonly string[];
  /** Conditions as the ORM writes them, which the row must meet too. */
  readonly scope?: Readonly<Record<string, unknown>>;
  /**
   * Whether the row may come from a replica that lags behind.
   * @default false: from the primary
   */
  readonly replica?: boolean;
}

/** What object views need from an ORM. The `Files` that `attachFiles` resolves to is one. */
export interface ObjectFinder {
  /**
   * Finds one row that matches `where` (columns and values) and the options; null if there is none. It never reads from the
   * identity map of another request.
   */
  findObject<Entity extends object>(
    entity: EntityRef<Entity>,
    where: Readonly<Record<string, unknown>>,
    options?: FindOptions,
  ): Promise<Entity | null>;
  /** The kind of a column. Throws `invalid_option` if the entity has no such column. */
  columnKind(entity: EntityRef, property: string): ColumnKind;
  /** Name of the primary key property. Throws `invalid_option` unless the entity has exactly one. */
  primaryKey(entity: EntityRef): string;
  /** Throws `invalid_option` unless the property is a file field. */
  checkFileField(entity: EntityRef, property: string): void;
}
