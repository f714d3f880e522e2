import type { EntityRef, ObjectFinder } from '../file/entity.js';
import type { Conditions, MatchingRows } from './delete-many.js';
import type { FileField } from './field.js';

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
}
