import { FileFieldError, isFileFieldError, type ErrorContext, type FileFieldErrorCode } from '../errors.js';

const codes: Readonly<Record<string, FileFieldErrorCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EISDIR: 'not_found',
  ELOOP: 'not_found',
  EEXIST: 'already_exists',
  ENAMETOOLONG: 'invalid_key',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EFBIG: 'no_space',
};

/**
 * A failure of the file system as a `FileFieldError`; one that is a `FileFieldError` already is returned as it is.
 * `action` completes the sentence "The disk could not …".
 */
export function diskError(cause: unknown, action: string, context: ErrorContext = {}): FileFieldError {
  if (isFileFieldError(cause)) return cause;
  const name = errno(cause);
  return new FileFieldError(codes[name] ?? 'storage_failed', `The disk could not ${action} (${name || 'no code'}).`, {
    ...context,
    cause,
  });
}

/** The code of a system error, such as `ENOENT`; empty for every other value. */
export function errno(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
