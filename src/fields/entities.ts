import type { EntityRef, ObjectFinder } from '../file/entity.js';
import type { Conditions, MatchingRows } from './delete-many.js';
import type { FileField } from './field.js';

/** What `Files` needs from an ORM. One implementation per ORM. */
export interface Entities extends Omit<ObjectFinder, 'checkFileField'> {
  /** All file fields of all entities. */
  readonly fields: readonly FileField[];
  /** Throws `invalid_option` if the entity has no such file field. */
  fileField(entity: EntityRef, property: string): FileField;
  /** Runs the work in a transaction of its own and resolves to its result. */
  deleteRows(entity: EntityRef, where: Conditions, work: (rows: MatchingRows) => Promise<number>): Promise<number>;
}
