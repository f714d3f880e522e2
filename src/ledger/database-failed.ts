import { FileFieldError } from '../errors.js';

/** A statement of the ledger failed outside of anybody's transaction. */
export function databaseFailed(cause: unknown): FileFieldError {
  return new FileFieldError(
    'database_failed',
    'The file ledger could not be reached; has the migration that makes its tables been run?',
    { cause },
  );
}
