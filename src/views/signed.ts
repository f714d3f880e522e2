import { FileFieldError } from '../errors.js';
import type { DownloadRequest } from '../response/request.js';
import { verifyBound, type Verified } from '../signing.js';
import type { SignatureOptions } from './view-options.js';

/** The content of a valid signature. */
export type Signed = Extract<Verified, { ok: true }>;

/**
 * Verifies the signature of a request. Undefined if the view needs none.
 *
 * @throws `forbidden` if the signature is not valid; the reason is in the message, which the client does not get
 */
export function checkSignature<Raw>(
  { method, url, raw }: DownloadRequest<Raw>,
  options: SignatureOptions<Raw> | undefined,
): Signed | undefined {
  if (!options) return undefined;
  if (url === undefined) {
    throw new FileFieldError(
      'invalid_option',
      'The option "signature" needs an adapter that sets the URL of requests.',
    );
  }
  const verified = verifyBound(options.signer, { method, url }, options.bind, raw);
  if (verified.ok) return verified;
  throw new FileFieldError('forbidden', `The signature of the URL is not valid: ${verified.reason}.`);
}

/** Limits a Cache-Control header so that no cache serves the file, fresh or stale, after its signed URL has expired. */
export function whileSigned(cacheControl: string, signed: Signed | undefined): string {
  if (!signed) return cacheControl;
  const secondsLeft = Math.max(0, Math.floor((signed.expires.getTime() - Date.now()) / 1000));
  const directives = cacheControl
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => !/^stale-/i.test(directive))
    .map((directive) => {
      const [, name, age] = /^(max-age|s-maxage)\s*=\s*"?(\d+)"?$/i.exec(directive) ?? [];
      return name ? `${name}=${Math.min(Number(age), secondsLeft)}` : directive;
    });
  // Without a max-age, a cache may choose one itself.
  if (!directives.some((directive) => /^(max-age=|no-cache$|no-store$)/i.test(directive))) {
    directives.push(`max-age=${secondsLeft}`);
  }
  return directives.join(', ');
}
