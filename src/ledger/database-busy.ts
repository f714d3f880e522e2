import { FileFieldError } from '../errors.js';

/** SQLite drivers have one connection for everybody; what must not be part of a transaction waits, but not for ever. */
export function databaseBusy(which: 'a' | 'the current'): FileFieldError {
  return new FileFieldError(
    'busy',
    `The only connection to this SQLite database is in ${which} transaction; stage and sweep before you open one.`,
  );
}
