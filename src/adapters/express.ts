import type { ErrorRequestHandler, RequestHandler } from 'express';
import { isFileFieldError } from '../errors.js';
import type { DeliveryChoice } from '../response/download.js';
import { errorBody, errorStatus, isHttpError } from '../response/http-error.js';
import { setDelivery } from '../send/app-delivery.js';

export {
  httpDownloadView,
  objectDownloadView,
  pathDownloadView,
  sendFile,
  storageDownloadView,
  virtualDownloadView,
} from './express-views.js';
export { requireSignature } from './require-signature.js';
export { toExpress } from './to-express.js';

/**
 * Answers failures of uploads and downloads with their status and a small JSON: `{ error: 'too_large', field: 'file',
 * rule: 'maxSize', limit: 20000000 }`. Everything that is not ours goes on to your own error handler.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { fileErrors } from 'filefield/express';
 *
 * express().use(fileErrors());
 * ```
 */
export function fileErrors(): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const cause: unknown = isHttpError(error) ? error.cause : error;
    if (response.headersSent || !isFileFieldError(cause) || errorStatus(cause) >= 500) {
      next(error);
      return;
    }
    if (isHttpError(error)) response.set(error.headers);
    response.status(errorStatus(cause)).json(errorBody(cause));
  };
}

/**
 * Says who sends the bytes of all views that come after it in an application or router, and do not say so themselves. A
 * router's word counts before its application's; `'none'` is this process.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { xAccelRedirect } from 'filefield';
 * import { deliverWith } from 'filefield/express';
 *
 * const app = express();
 * app.use(deliverWith(xAccelRedirect({ '/srv/var/documents': '/_documents' })));
 * ```
 */
export function deliverWith(delivery: DeliveryChoice): RequestHandler {
  return (request, _response, next) => {
    setDelivery(request, delivery);
    next();
  };
}
