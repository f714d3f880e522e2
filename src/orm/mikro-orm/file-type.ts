import { JsonType, type Platform, type TransformContext } from '@mikro-orm/core';
import { FileFieldError } from '../../errors.js';
import { checkValue } from '../../fields/field.js';
import type { FileFieldOptions } from '../../fields/field-options.js';
import { isStoredFile, StoredFile, type StoredFileContext } from '../../file/stored-file.js';

const brand = Symbol.for('filefield.mikro-orm.file-type');
const attachment = Symbol.for('filefield.mikro-orm.context');

/**
 * The type that makes a MikroORM property a file field. There is one subclass per field, which carries the field's options,
 * so inheritance, entity schemas and embeddables need no registry of their own.
 *
 * It has no `toJSON`: `em.refresh` reads an entity by serialising another one, so the serialised value must be the stored
 * file, which shows its name, size and type when it becomes JSON.
 */
export abstract class FileType extends JsonType {
  abstract readonly options: FileFieldOptions;
  /** Of rows that are loaded before files are attached. */
  #unattached: StoredFileContext | undefined;

  get [brand](): true {
    return true;
  }

  /** Only a stored file reaches SQL, however it is written. */
  override convertToDatabaseValue(value: unknown, platform: Platform, context?: TransformContext): string | null {
    // `undefined` is not null; MikroORM passes it through.
    if (value === null || value === undefined) return value as null;
    // A value that was read is normalised, so that a column whose members the database has reordered is not a change.
    const file = isRead(context) ? this.convertToJSValue(value, platform) : checkValue(value, this.options);
    return file && JSON.stringify(file.toDescriptor());
  }

  override convertToJSValue(value: unknown, platform: Platform): StoredFile | null {
    if (isStoredFile(value)) return value;
    this.#unattached ??= { acceptedBy: this.options };
    return StoredFile.parse(value, contextsOf(platform)?.(this.options) ?? this.#unattached);
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
  if (contextsOf(platform)) {
    throw new FileFieldError('invalid_option', 'Files are attached to this MikroORM instance already.');
  }
  const contexts = new Map<FileFieldOptions, StoredFileContext>();
  const contextFor: ContextFor = (options) => {
    let own = contexts.get(options);
    if (!own) contexts.set(options, (own = { ...context, acceptedBy: options }));
    return own;
  };
  Object.defineProperty(platform, attachment, { value: contextFor });
}

/** The context of the files of one field. */
type ContextFor = (options: FileFieldOptions) => StoredFileContext;

function contextsOf(platform: Platform): ContextFor | undefined {
  return (platform as { [attachment]?: ContextFor })[attachment];
}

/** True if MikroORM converts a value that came out of the database, to compare later values with it. */
function isRead(context: TransformContext | undefined): boolean {
  return context?.mode === 'hydration' || (context?.mode === undefined && context?.fromQuery === true);
}
