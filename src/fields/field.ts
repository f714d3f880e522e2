import { FileFieldError, isFileFieldError } from '../errors.js';
import { collect } from '../file/body.js';
import type { StorageRegistry } from '../file/registry.js';
import { isStoredFile, type StoredFile } from '../file/stored-file.js';
import { invalidOption } from '../options.js';
import type { FileReference } from '../ledger/file-reference.js';
import { storagesOf, type FileFieldOptions } from './field-options.js';
import type { Refusal, Rule } from './rule.js';
import { headBytes } from './types/head.js';
import * as rules from './rules/index.js';

const allRules: readonly Rule[] = Object.values(rules);

/** One file field of one entity, read from the ORM's metadata. */
export interface FileField {
  /** Name of the entity. */
  readonly entity: string;
  /** Name of the property; a path with dots where it is embedded. */
  readonly property: string;
  readonly options: FileFieldOptions;
  /** Where the descriptor is in the database. */
  readonly reference: FileReference;
}

/** Throws `invalid_option` unless the field can work with these storages: at start-up, not at the first upload. */
export function checkField({ entity, property, options }: FileField, storages: StorageRegistry): void {
  if (
    typeof options.storage === 'object' &&
    (storagesOf(options).length === 0 || typeof options.storage.choose !== 'function')
  ) {
    throw invalidOption(`${entity}.${property} must have "among", a list of storages, and "choose", a function.`);
  }
  for (const storage of storagesOf(options)) {
    if (storages.has(storage)) continue;
    throw new FileFieldError(
      'invalid_option',
      `${entity}.${property} names the storage "${storage}", which is not registered; the registry has: ${storages.names.join(', ') || 'none'}.`,
      { field: property, storage },
    );
  }
  try {
    for (const rule of allRules) rule.validate?.(options);
  } catch (error) {
    if (!isFileFieldError(error)) throw error;
    throw new FileFieldError(error.code, `${entity}.${property}: ${error.message}`, { field: property });
  }
}

/**
 * Returns a value that is about to be written to a file column if it is null or a file of the field's storage that its rules
 * accept. All other values, such as text or an object from a request body, throw `invalid_value`: a client must not name a
 * key. A file that was staged for another field is judged by the rules of this one; one that was loaded from this field may
 * be in another storage, as while files are moved.
 */
export function checkValue(value: unknown, options: FileFieldOptions): StoredFile | null {
  if (value === null || value === undefined) return null;
  if (!isStoredFile(value)) {
    throw new FileFieldError(
      'invalid_value',
      `A file field was given ${kindOf(value)}; assign what files.stage() or files.receive() resolves to, or null.`,
    );
  }
  if (value.acceptedBy === options) return value;
  checkStorage(value, options);
  if (value.acceptedBy) judge(value, options);
  return value;
}

/** Throws `invalid_value` for a file of a storage that the field does not use. */
export function checkStorage(file: StoredFile, options: FileFieldOptions): void {
  const { storage } = file.toDescriptor();
  const own = storagesOf(options);
  if (!own.includes(storage)) {
    throw new FileFieldError(
      'invalid_value',
      `A file staged for the storage "${storage}" was assigned to a field of "${own.join('", "')}"; stage it for this field.`,
    );
  }
}

/** Throws if the rules of a field refuse a file that was staged for another field, or cannot judge it any more. */
function judge(file: StoredFile, options: FileFieldOptions): void {
  const { name, size, type } = file;
  if (options.check) {
    throw new FileFieldError(
      'invalid_value',
      'A file that was staged for another field was assigned to a field with a check of its own; stage it for this field.',
    );
  }
  const upload = { name, size, type, head: new Uint8Array(0) };
  for (const rule of allRules) refuse(rule, rule.declared?.(upload, options) ?? rule.recognised?.(upload, options));
}

/** Applies all rules of a field to a file that was staged for another one. Reads its first bytes. */
export async function judgeAnew(file: StoredFile, { property, options }: FileField): Promise<void> {
  const { name, size, type, sha256 = '' } = file;
  const head =
    size === 0 ? Buffer.alloc(0) : await collect(await file.open({ start: 0, end: Math.min(size, headBytes) - 1 }));
  const upload = { name, size, type, sha256, head };
  for (const rule of allRules) {
    const known = rule.declared?.(upload, options) ?? rule.recognised?.(upload, options);
    refuse(rule, known ?? (await rule.stored?.(upload, options)), property);
  }
}

/** Throws the error of a rule that refuses an upload. */
export function refuse(rule: Rule, refusal: Refusal | undefined, field?: string): void {
  if (!refusal) return;
  const { code, message, limit } = refusal;
  throw new FileFieldError(code, message, { rule: rule.name, limit, field });
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  return 'then' in value ? 'a promise that was not awaited' : 'an object';
}
