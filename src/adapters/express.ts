import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { FileFieldError } from '../errors.js';
import type { DeliveryChoice, DownloadHandler } from '../response/download.js';
import type { DownloadRequest } from '../response/request.js';
import { clientError, HttpError, type FileErrorsOptions } from '../response/http-error.js';
import {
  adapterSettings,
  reportFailure,
  runDownload,
  setRequestDelivery,
  type AdapterOptions,
  type RunOptions,
} from '../send/run.js';
import { verifyBound, type Signer } from '../signing.js';
import { mountedView, type MountedView } from '../send/mounted-view.js';
import { sendFileView, type SendFileOptions } from '../views/path-view.js';
import { readyViews } from '../views/ready-views.js';

/** A route handler of Express 4 or 5. Its `view` is for `runView`. */
export type ExpressHandler = MountedView<RequestHandler, Request>;

/**
 * Mounts a view on Express 4 or 5. A failure goes to Express's error handling as an `HttpError`: its message is the status
 * text, and its `cause` the original error.
 *
 * @throws `invalid_option` for an `idleTimeout` out of range
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { downloadView, localFile } from 'filefield';
 * import { toExpress } from 'filefield/express';
 *
 * const view = downloadView(async () => ({ subject: null, file: () => localFile('terms.pdf') }));
 * express().get('/terms', toExpress(view, { idleTimeout: '30s' }));
 * ```
 */
export function toExpress(handler: DownloadHandler<Request>, options: AdapterOptions<Request> = {}): ExpressHandler {
  const settings = adapterSettings(options);
  const serve: RequestHandler = (request, response, next) => {
    // A failure later on could be told to nobody: it would end the process.
    if (typeof next !== 'function' || typeof response?.setHeader !== 'function') {
      throw new FileFieldError(
        'invalid_option',
        'A view of filefield/express needs request, response and next of Express; on Fastify use filefield/fastify.',
      );
    }
    const { originalUrl: url } = request;
    const params = paramsOf(request);
    const begun = response.headersSent;
    runDownload(handler, { raw: request, request, response, params, url }, settings).catch((error: unknown) => {
      // After a part of the response the connection is broken, and an error handler would try to answer. What something else
      // began before the view is for the error handlers.
      const answerable = begun || !response.headersSent;
      // Error handlers log what they get, with its cause. Only the default handler of Express 4 logs the status alone.
      const unlogged = !answerable || !request.app || 'lazyrouter' in request.app;
      if (settings.onError || unlogged) reportFailure(error, request, settings);
      if (answerable) next(new HttpError(error));
    });
  };
  return mountedView(serve, handler, settings.delivery);
}

/** Names of the parameters of routes, by route. */
const paramNames = new WeakMap<object, Readonly<Record<string, undefined>>>();

/** The parameters of a request. Express 5 leaves out optional ones that the URL does not have; here they are undefined. */
function paramsOf({ params, route }: Request): DownloadRequest['params'] {
  const { path } = (route ?? {}) as { path?: unknown };
  if (typeof path !== 'string' || !path.includes('{')) return params;
  let names = paramNames.get(route as object);
  if (!names) {
    names = Object.fromEntries([...path.matchAll(/[:*](\w+)/g)].map(([, name]) => [name!, undefined]));
    paramNames.set(route as object, names);
  }
  return { ...names, ...params };
}

const views = readyViews<Request, ExpressHandler, RunOptions<Request>>(toExpress);

/** `objectView` of `filefield` as a handler of Express. */
export const objectDownloadView = views.objectDownloadView;
/** `storageView` of `filefield` as a handler of Express. */
export const storageDownloadView = views.storageDownloadView;
/** `pathView` of `filefield` as a handler of Express. */
export const pathDownloadView = views.pathDownloadView;
/** `httpView` of `filefield` as a handler of Express. */
export const httpDownloadView = views.httpDownloadView;
/** `virtualView` of `filefield` as a handler of Express. */
export const virtualDownloadView = views.virtualDownloadView;

/**
 * Sends a local file as the response to a request, from within a route of your own. Failures go to Express's error
 * handling.
 *
 * @param path absolute or relative to the working directory; with the option `root`, below the root
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { sendFile } from 'filefield/express';
 *
 * express().get('/terms', (request) => sendFile(request, 'terms.pdf', { root: 'public', disposition: 'inline' }));
 * ```
 */
export function sendFile(
  request: Request,
  path: string,
  options: SendFileOptions<Request> & RunOptions<Request> = {},
): void {
  const { res: response, next } = request;
  if (!response || !next) throw new FileFieldError('invalid_option', 'sendFile needs a request of Express.');
  const { onError, idleTimeout } = options;
  void toExpress(sendFileView(path, options), { onError, idleTimeout })(request, response, next);
}

/**
 * An error handler that answers failures of uploads and downloads with their status and JSON: `{ statusCode: 413, error:
 * 'Payload Too Large', code: 'too_large', message: 'The file is larger than …', field: 'file', rule: 'maxSize', limit:
 * 20000000 }`; with `problemDetails: true`, as problem details of RFC 9457. It passes on errors of other libraries, and those
 * with a status of 500 and above.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { fileErrors } from 'filefield/express';
 *
 * express().use(fileErrors());
 * ```
 */
export function fileErrors(options: FileErrorsOptions = {}): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const refused = response.headersSent ? undefined : clientError(error, options);
    if (refused) response.status(refused.status).set(refused.headers).json(refused.body);
    else next(error);
  };
}

/**
 * Middleware that sets the delivery of all views that come after it in an application or router and have none of their
 * own. That of a router replaces that of its application; `'none'` is this process.
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
    setRequestDelivery(request, delivery);
    next();
  };
}

/**
 * Middleware that passes on only requests with a valid signature. For all others Express's error handling gets a 403,
 * with the reason in its `cause`. For a view, use its option `signature` instead: it also applies the signed file name
 * and limits caching to the life of the URL.
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
    const verified = verifyBound(signer, { method, url }, options.bind, request);
    if (verified.ok) next();
    else {
      const message = `The signature of the URL is not valid: ${verified.reason}.`;
      next(new HttpError(new FileFieldError('forbidden', message)));
    }
  };
}
