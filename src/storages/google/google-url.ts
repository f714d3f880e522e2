import type { File } from '@google-cloud/storage';
import { FileFieldError } from '../../errors.js';
import type { UrlOptions } from '../../file/file.js';
import { failureOf, googleError } from './google-error.js';

/** Milliseconds that a URL with a signature of version 4 can be valid; a second less, since the clock goes on. */
const longestUrl = (7 * 24 * 3600 - 1) * 1000;

/** A URL of an object that is valid for one method. */
export async function signUrl(file: File, key: string, options: UrlOptions): Promise<string> {
  const { contentDisposition, contentType, expiresIn, method } = options;
  const expires = Date.now() + Math.min(longestUrl, Math.max(1000, expiresIn));
  const asked = {
    ...(contentType && { responseType: contentType }),
    ...(contentDisposition && { responseDisposition: contentDisposition }),
  };
  try {
    const [url] = await file.getSignedUrl({ version: 'v4', action: 'read', expires, ...asked });
    return method === 'GET' ? url : await forHead(file, expires, new URL(url));
  } catch (cause) {
    const { name, message } = cause as Error;
    // Neither a key nor an account that may ask for a signature.
    if (name !== 'SigningError' && !message.includes('client_email')) throw googleError(cause, 'sign a URL', key);
    if (failureOf(cause).status !== undefined) throw googleError(cause, 'sign a URL', key);
    const text =
      'The client cannot sign URLs: give it the private key of a service account, or an account with the role "Service ' +
      'Account Token Creator".';
    throw new FileFieldError('unsupported', text, { key, cause });
  }
}

/** The SDK signs for GET only, with a signer that it keeps with the file. */
async function forHead(file: File, expires: number, signed: URL): Promise<string> {
  const names = ['response-content-type', 'response-content-disposition'];
  const given = names.flatMap((name) => {
    const value = signed.searchParams.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const config = { method: 'HEAD' as 'GET', version: 'v4' as const, expires, queryParams: Object.fromEntries(given) };
  return file.signer!.getSignedUrl(config);
}
