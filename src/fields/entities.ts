import type { EntityRef, ObjectFinder } from '../file/entity.js';
import type { Conditions, MatchingRows } from './delete-many.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { FileField } from './field.js';

/** A row by its primary key. */
export interface KeyedRow {
  /** In the order of the entity's metadata. */
  readonly key: readonly unknown[];
  /** The row as the application knows it. */
  readonly entity: object;
}

/**
 * What `Files` needs from an ORM: its file fields, one row for a view, and rows to delete. One implementation per ORM, in
 * `orm/<name>/entities`; everything else that an ORM does differently is in its hooks.
 */
export interface Entities extends Omit<ObjectFinder, 'checkFileField'> {
  /** All file fields of all entities. */
  readonly fields: readonly FileField[];
  /** Throws `invalid_option` if the entity has no such file field. */
  fileField(entity: EntityRef, property: string): FileField;
  /**
   * Opens a transaction, gives the matching rows to the work, and resolves to its result. It fails inside another
   * transaction where the database has one connection only.
   */
  deleteRows(entity: EntityRef, where: Conditions, work: (rows: MatchingRows) => Promise<number>): Promise<number>;
  /** The rows with these primary keys, soft-deleted ones too; those that are gone, or of another entity, are left out. */
  rowsOf(entity: EntityRef, keys: readonly (readonly unknown[])[]): Promise<readonly KeyedRow[]>;
  /**
   * Opens a transaction, gives these rows, locked and as they are now, to the work, and resolves to its result. It fails
   * inside another transaction where the database has one connection only.
   */
  changeRows<Result>(
    entity: EntityRef,
    keys: readonly (readonly unknown[])[],
    work: (rows: readonly KeyedRow[], transaction: LedgerConnection) => Promise<Result>,
  ): Promise<Result>;
  /** The entity of a name. Throws `invalid_option` if there is none. */
  named(name: string): EntityRef;
}
