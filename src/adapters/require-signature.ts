import type { Request, RequestHandler } from 'express';
import { FileFieldError } from '../errors.js';
import { HttpError } from '../response/http-error.js';
import type { Signer } from '../signing.js';

/**
 * Middleware that lets only signed URLs through; for all others Express's error handling gets a 403, with the reason in
 * its `cause`. Give a view the option `signature` instead for the signed file name and for caching that ends in time.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { createSigner } from 'filefield';
 * import { requireSignature } from 'filefield/express';
 *
 * const signer = createSigner({ keys: [{ id: '1', secret: 'at least thirty-two random bytes, kept apart' }] });
 * express().use('/exports', requireSignature(signer), express.static('exports'));
 * ```
 */
export function requireSignature(
  signer: Signer,
  options: { readonly bind?: (request: Request) => string } = {},
): RequestHandler {
  return (request, _response, next) => {
    const { method, originalUrl: url } = request;
    const verified = signer.verify({ method, url, bind: options.bind?.(request) });
    if (verified.ok) next();
    else next(new HttpError(new FileFieldError('forbidden', `The signature of the URL: ${verified.reason}.`)));
  };
}
