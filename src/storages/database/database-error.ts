import { FileFieldError, isFileFieldError, type FileFieldErrorCode } from '../../errors.js';
import { causes } from '../../ledger/connection.js';
import type { DatabaseFault, Dialect } from '../../ledger/dialect.js';

/** Codes of the network, and the messages of drivers that have none. */
const unreachable =
  /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)|^Connection terminated|^Client has encountered a connection error|timeout exceeded when trying to connect|Timeout acquiring a connection|connection is in closed state|^Connection lost/;

/** The category of a fault, and what to do. */
const known: Readonly<Record<DatabaseFault, readonly [FileFieldErrorCode, string]>> = {
  taken: ['already_exists', 'The key is taken.'],
  full: ['no_space', 'The disk of the database is full: free space, or give it more.'],
  too_large: [
    'storage_failed',
    'The database refuses a statement of this size: raise its limit ("max_allowed_packet") to 1 MB or more.',
  ],
  denied: [
    'storage_failed',
    'The role of the connection lacks a permission: grant SELECT, INSERT, UPDATE and DELETE on file_object and file_chunk, on a database that can be written.',
  ],
  away: ['unavailable', 'The database does not answer or is overloaded: try again later.'],
};

const unknown = ['storage_failed', 'The cause of this error is what the database or its driver said.'] as const;

/**
 * A failed statement as an error of a storage; one that is such an error already is returned as it is. `action` completes the
 * sentence "The database could not …". The message has neither key nor SQL.
 */
export function databaseError(cause: unknown, dialect: Dialect, action: string, key?: string): FileFieldError {
  if (isFileFieldError(cause) && cause.code !== 'database_failed') return cause;
  const context = { ...(key !== undefined && { key }), cause: isFileFieldError(cause) ? cause.cause : cause };
  if (causes(cause).some((error) => dialect.isMissingTable(error))) {
    const text = 'The tables of databaseStorage() are missing: run the migration that calls createFileObjects().';
    return new FileFieldError('storage_failed', text, context);
  }
  const fault = faultOf(cause, dialect);
  const [code, advice] = fault ? known[fault] : unknown;
  const failed = code === 'storage_failed' || code === 'unavailable';
  return new FileFieldError(code, failed ? `The database could not ${action}. ${advice}` : advice, context);
}

/** True if the statement failed because a unique key is taken. */
export function isTaken(cause: unknown, dialect: Dialect): boolean {
  return faultOf(cause, dialect) === 'taken';
}

function faultOf(cause: unknown, dialect: Dialect): DatabaseFault | undefined {
  for (const error of causes(cause)) {
    const fault = dialect.fault(error);
    if (fault) return fault;
    const { code = '', message = '' } = error as { readonly code?: unknown; readonly message?: unknown };
    if (unreachable.test(String(code)) || unreachable.test(String(message))) return 'away';
  }
  return undefined;
}
