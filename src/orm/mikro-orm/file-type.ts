import { JsonType, type Platform, type TransformContext } from '@mikro-orm/core';
import { FileFieldError } from '../../errors.js';
import { checkValue } from '../../fields/field.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { isStoredFile, StoredFile, type StoredFileContext } from '../../file/stored-file.js';

const brand = Symbol.for('filefield.mikro-orm.file-type');
const attachment = Symbol.for('filefield.mikro-orm.context');

/** Files that were loaded from a column, and the options of its field. */
const loadedFrom = new WeakMap<object, FileFieldOptions>();

/**
 * The type that makes a MikroORM property a file field. There is one subclass per field, which carries the field's options,
 * so inheritance, entity schemas and embeddables need no registry of their own.
 *
 * It has no `toJSON`: `em.refresh` reads an entity by serialising another one, so the serialised value must be the stored
 * file, which shows its name, size and type when it becomes JSON.
 */
export abstract class FileType extends JsonType {
  abstract readonly options: FileFieldOptions;

  get [brand](): true {
    return true;
  }

  /** Only a stored file reaches SQL, however it is written. */
  override convertToDatabaseValue(value: unknown, platform: Platform, context?: TransformContext): string | null {
    // `undefined` is not null; MikroORM passes it through.
    if (value === null || value === undefined) return value as null;
    // A value that was read is normalised, so that a column whose members the database has reordered is not a change.
    // A file that was loaded from this column keeps its storage, even if the field names another storage for new files.
    const isOwn = isRead(context) || loadedFrom.get(value as object) === this.options;
    const file = isOwn ? this.convertToJSValue(value, platform) : checkValue(value, this.options);
    return file && JSON.stringify(file.toDescriptor());
  }

  override convertToJSValue(value: unknown, platform: Platform): StoredFile | null {
    if (isStoredFile(value)) return value;
    const context = contextOf(platform);
    const file = StoredFile.parse(value, context && { ...context, acceptedBy: this.options });
    if (file) loadedFrom.set(file, this.options);
    return file;
  }
}

/** True for the type of a file field, also of a second copy of this package. */
export function isFileType(type: unknown): type is FileType {
  return typeof type === 'object' && type !== null && brand in type;
}

/**
 * Files that are read through this platform can be opened. A platform belongs to one MikroORM instance, while types may be
 * shared: two instances that know the same `EntitySchema` may keep its files in different storages.
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

/** True if MikroORM converts a value that came out of the database, to compare later values with it. */
function isRead(context: TransformContext | undefined): boolean {
  return context?.mode === 'hydration' || (context?.mode === undefined && context?.fromQuery === true);
}
