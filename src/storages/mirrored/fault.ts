import { isFileFieldError } from '../../errors.js';
import type { Storage } from '../../file/storage.js';

/** A failure of one storage that did not fail the call, or not alone. */
export interface MirrorFault {
  /** The storage that failed. */
  readonly storage: Storage;
  /** What it was asked to do. */
  readonly operation: 'read' | 'stat' | 'delete';
  /** Key of the object. */
  readonly key: string;
  /** What it rejected with; `not_found` if it does not have an object that another storage has. */
  readonly error: unknown;
}

/** True for a failure after which another storage may have the object. */
export function isElsewhere(error: unknown): boolean {
  return (['not_found', 'unavailable', 'storage_failed'] as const).some((code) => isFileFieldError(error, code));
}
