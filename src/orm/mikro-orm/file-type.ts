import { JsonType, type Platform, type TransformContext } from '@mikro-orm/core';
import { FileFieldError } from '../../errors.js';
import { checkValue } from '../../fields/field.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { isStoredFile, StoredFile, type StoredFileContext } from '../../file/stored-file.js';

const brand = Symbol.for('filefield.mikro-orm.file-type');
const attachment = Symbol.for('filefield.mikro-orm.context');

/**
 * What makes a MikroORM property a file field: its type. There is one subclass per field, which carries the field's
 * options, so that no second registry has to be taught of inheritance, schemas and embeddables.
 *
 * It has no `toJSON` of its own: `em.refresh` reads an entity by serialising another one, so the serialised value must
 * be the stored file; that one shows name, size and type when it becomes JSON.
 */
export abstract class FileType extends JsonType {
  abstract readonly options: FileFieldOptions;

  get [brand](): true {
    return true;
  }

  /** The last line of defence: nothing but a stored file reaches SQL, by whatever way it is written. */
  override convertToDatabaseValue(value: unknown, platform: Platform, context?: TransformContext): string | null {
    // Absent is not null; MikroORM passes it through.
    if (value === null || value === undefined) return value as null;
    // What was read is normalised, so that a column whose keys the database has put in another order is not a change.
    const file = isRead(context) ? this.convertToJSValue(value, platform) : checkValue(value, this.options);
    return file && JSON.stringify(file.toDescriptor());
  }

  override convertToJSValue(value: unknown, platform: Platform): StoredFile | null {
    return isStoredFile(value) ? value : StoredFile.parse(value, contextOf(platform));
  }
}

export function isFileType(type: unknown): type is FileType {
  return typeof type === 'object' && type !== null && brand in type;
}

/**
 * Files read through this platform can be opened. A platform belongs to one ORM instance, while types may be shared:
 * two instances that know the same `EntitySchema` keep its files where each of them says.
 */
export function attachContext(platform: Platform, context: StoredFileContext): void {
  if (contextOf(platform)) {
    throw new FileFieldError('invalid_option', 'Files are attached to this MikroORM instance already.');
  }
  Object.defineProperty(platform, attachment, { value: context });
}

function contextOf(platform: Platform): StoredFileContext | undefined {
  return (platform as { [attachment]?: StoredFileContext })[attachment];
}

/** Whether MikroORM converts a value that came out of the database, to compare later values with. */
function isRead(context: TransformContext | undefined): boolean {
  return context?.mode === 'hydration' || (context?.mode === undefined && context?.fromQuery === true);
}
