import { FileFieldError } from '../errors.js';
import type { DownloadRequest } from '../response/request.js';
import type { Verified } from '../signing.js';
import type { SignatureOptions } from './view-options.js';

/** What a valid signature says. */
export type Signed = Extract<Verified, { ok: true }>;

/** The request's signature, where a view asks for one. Throws `forbidden` without a word to the client on why. */
export function checkSignature<Raw>(
  request: DownloadRequest<Raw>,
  asked: SignatureOptions<Raw> | undefined,
): Signed | undefined {
  if (!asked) return undefined;
  const { method, url, raw } = request;
  if (url === undefined) throw new FileFieldError('invalid_option', 'Signatures need an adapter that tells the URL.');
  const verified = asked.signer.verify({ method, url, bind: asked.bind?.(raw) });
  if (verified.ok) return verified;
  throw new FileFieldError('forbidden', `The signature of the URL is not valid: ${verified.reason}.`);
}

/** Cache-Control such that no cache hands a file out, fresh or stale, once its URL has expired. */
export function whileSigned(cacheControl: string, signed: Signed | undefined): string {
  if (!signed) return cacheControl;
  const left = Math.max(0, Math.floor((signed.expires.getTime() - Date.now()) / 1000));
  const directives = cacheControl
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => !/^stale-/i.test(directive))
    .map((directive) => {
      const [, name, age] = /^(max-age|s-maxage)\s*=\s*"?(\d+)"?$/i.exec(directive) ?? [];
      return name ? `${name}=${Math.min(Number(age), left)}` : directive;
    });
  // Without a number a cache may choose one.
  if (!directives.some((directive) => /^(max-age=|no-cache$|no-store$)/i.test(directive))) {
    directives.push(`max-age=${left}`);
  }
  return directives.join(', ');
}
