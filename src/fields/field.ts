import { FileFieldError } from '../errors.js';
import type { FileReference } from '../ledger/reference.js';
import type { StorageRegistry } from '../file/registry.js';
import { isStoredFile, type StoredFile } from '../file/stored-file.js';
import { byteSize } from '../options.js';
import type { FileFieldOptions } from './field-options.js';

/** One file field of one entity, as the ORM's metadata tells it: the common model of both ORMs. */
export interface FileField {
  readonly entity: string;
  readonly property: string;
  readonly options: FileFieldOptions;
  /** Where the descriptor is in the database. */
  readonly reference: FileReference;
}

/** Throws `invalid_option` unless the field can work with these storages: better at start-up than at the first upload. */
export function checkField(field: FileField, storages: StorageRegistry): void {
  const { storage, maxSize } = field.options;
  if (!storages.names.includes(storage)) {
    throw new FileFieldError(
      'invalid_option',
      `${field.entity}.${field.property} names the storage "${storage}", which is not registered; the registry has: ${storages.names.join(', ') || 'none'}.`,
      { field: field.property, storage },
    );
  }
  if (maxSize !== undefined) byteSize('maxSize', maxSize);
}

/**
 * Returns what is about to be written to a file column if it is null or a file of that field's storage. Everything else
 * - text, or an object that came out of a request body - throws `invalid_value`: a client must not name a key.
 */
export function checkValue(value: unknown, options: FileFieldOptions): StoredFile | null {
  if (value === null || value === undefined) return null;
  if (!isStoredFile(value)) {
    throw new FileFieldError(
      'invalid_value',
      `A file field was given ${typeof value === 'object' ? 'an object' : `a ${typeof value}`}; assign what files.stage() or files.receive() returns, or null.`,
      { storage: options.storage },
    );
  }
  const { storage } = value.toDescriptor();
  if (storage !== options.storage) {
    throw new FileFieldError(
      'invalid_value',
      `A file staged for the storage "${storage}" was assigned to a field of "${options.storage}"; stage it for this field.`,
      { storage: options.storage },
    );
  }
  return value;
}
