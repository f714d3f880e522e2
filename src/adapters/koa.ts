import type { Context, Middleware } from 'koa';
import type { Writable } from 'node:stream';
import type { DeliveryChoice, DownloadHandler, PreparedResponse } from '../response/download.js';
import { clientError, HttpError, type FileErrorsOptions } from '../response/http-error.js';
import type { DownloadRequest } from '../response/request.js';
import {
  adapterSettings,
  reportFailure,
  runDownload,
  setRequestDelivery,
  type AdapterOptions,
  type AdapterSettings,
  type RunOptions,
} from '../send/run.js';
import { FrameworkBody, type ResponseHeaders } from '../send/framework-body.js';
import { expectBytes } from '../send/framework-bytes.js';
import { bodyHeaders, responseHeaders, type HeadSender } from '../send/write.js';
import { mountedView, type MountedView } from '../send/mounted-view.js';
import { sendFileView, type SendFileOptions } from '../views/path-view.js';
import { readyViews } from '../views/ready-views.js';

/** A middleware of Koa 2 or 3. Its `view` is for `runView`. */
export type KoaHandler = MountedView<Middleware, Context>;

/**
 * Makes a middleware for Koa 2 or 3 from a view. Headers that other middleware set are kept. A failure is thrown as an
 * `HttpError`: its message is the status text, and its `cause` the original error. Koa answers it and emits `error` on
 * the application.
 *
 * @throws `invalid_option` for an `idleTimeout` out of range
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { downloadView, localFile } from 'filefield';
 * import { toKoa } from 'filefield/koa';
 *
 * const view = downloadView(async () => ({ subject: null, file: () => localFile('terms.pdf') }));
 * new Koa().use(toKoa(view));
 * ```
 */
export function toKoa(handler: DownloadHandler<Context>, options: AdapterOptions<Context> = {}): KoaHandler {
  const settings = adapterSettings(options);
  const middleware: Middleware = (context) => serve(context, handler, settings);
  return mountedView(middleware, handler, settings.delivery);
}

async function serve(
  context: Context,
  handler: DownloadHandler<Context>,
  settings: AdapterSettings<Context>,
): Promise<void> {
  const { req: request, res: response, originalUrl: url, app } = context;
  // Set by a router, if there is one.
  const { params = {} } = context as { params?: DownloadRequest['params'] };
  await new Promise<void>((resolve, reject) => {
    let begun = false;
    // The middleware ends here: those around it may still change the head, and then Koa sends it.
    const sendHead: HeadSender = (_response, prepared, bytes) => {
      const target = setResponse(context, prepared, settings, bytes);
      begun = true;
      resolve();
      return target;
    };
    const ended = runDownload(handler, { raw: context, request, response, params, url, sendHead }, settings);
    ended.then(
      () => {
        // The client left early; Koa would try to answer it.
        if (!begun) context.respond = false;
        resolve();
      },
      (error: unknown) => {
        const answerable = !begun && !response.headersSent;
        // Koa's own listener does not log errors whose message may be shown to the client.
        const unlogged = app.listeners('error').every((listener) => listener === app.onerror);
        if (settings.onError || !answerable || unlogged) reportFailure(error, context, settings);
        if (answerable) return reject(new HttpError(error));
        // The connection is broken already; Koa would try to write to it.
        context.respond = false;
        resolve();
      },
    );
  });
}

/** Gives status, headers and body to Koa. Returns where it wants the body, once it has sent the head. */
function setResponse(
  context: Context,
  prepared: PreparedResponse,
  { idleTimeout }: AdapterSettings<Context>,
  bytes?: Buffer,
): Promise<Writable | undefined> | undefined {
  const { res: response } = context;
  const { status } = prepared;
  const headers = responseHeaders(prepared, response);
  context.status = status;
  const body = bodyFor(context, status, bytes);
  const type = headers['content-type'];
  // Koa gives a type to bodies that have none.
  if (type !== undefined) context.set('content-type', type);
  context.body = body;
  if (type === undefined) context.remove('Content-Type');
  // Koa gives a length to bytes, also where trailers follow.
  if (headers['content-length'] === undefined) context.remove('Content-Length');
  if (status === 304) for (const name of bodyHeaders) context.remove(name);
  context.set(headers);
  // koa-compress would compress a part (RFC 9110 section 14.4).
  if (status === 206) Object.assign(context, { compress: false });
  if (Buffer.isBuffer(body)) expectBytes(response, body, idleTimeout, headersOf(context));
  return body instanceof FrameworkBody ? body.target : undefined;
}

/** Bytes where Koa can send them; null for a status that has no body, whose response Koa ends itself. */
function bodyFor(context: Context, status: number, bytes: Buffer | undefined): Buffer | FrameworkBody | null {
  if (status === 204 || status === 304) return null;
  if (bytes && context.req.httpVersionMajor === 1) return bytes;
  return new FrameworkBody(context.res, headersOf(context));
}

const headersOf = (context: Context): ResponseHeaders => ({
  get: (name) => context.res.getHeader(name),
  set: (name, value) => context.set(name, value),
  remove: (name) => context.remove(name),
});

const views = readyViews<Context, KoaHandler, RunOptions<Context>>(toKoa);

/** `objectView` of `filefield` as a handler of Koa. */
export const objectDownloadView = views.objectDownloadView;
/** `storageView` of `filefield` as a handler of Koa. */
export const storageDownloadView = views.storageDownloadView;
/** `pathView` of `filefield` as a handler of Koa. */
export const pathDownloadView = views.pathDownloadView;
/** `httpView` of `filefield` as a handler of Koa. */
export const httpDownloadView = views.httpDownloadView;
/** `virtualView` of `filefield` as a handler of Koa. */
export const virtualDownloadView = views.virtualDownloadView;

/**
 * Sends a local file as the response to a request, from within a middleware of your own. Rejects with an `HttpError`,
 * which Koa answers.
 *
 * @param path absolute or relative to the working directory; with the option `root`, below the root
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { sendFile } from 'filefield/koa';
 *
 * new Koa().use((context) => sendFile(context, 'terms.pdf', { root: 'public', disposition: 'inline' }));
 * ```
 */
export function sendFile(
  context: Context,
  path: string,
  options: SendFileOptions<Context> & RunOptions<Context> = {},
): Promise<void> {
  const { onError, idleTimeout } = options;
  return serve(context, sendFileView(path, options), adapterSettings<Context>({ onError, idleTimeout }));
}

/**
 * Middleware that answers failures of uploads and downloads of all that come after it with their status and JSON, as that of
 * Express does. It throws all other errors on, and those with a status of 500 and above.
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { fileErrors } from 'filefield/koa';
 *
 * new Koa().use(fileErrors());
 * ```
 */
export function fileErrors(options: FileErrorsOptions = {}): Middleware {
  return async (context, next) => {
    try {
      await next();
    } catch (error) {
      const refused = context.headerSent ? undefined : clientError(error, options);
      if (!refused) throw error;
      context.status = refused.status;
      context.set(refused.headers);
      context.body = refused.body;
    }
  };
}

/**
 * Middleware that sets the delivery of all views that come after it and have none of their own. A later one replaces an
 * earlier one; `'none'` is this process.
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { xAccelRedirect } from 'filefield';
 * import { deliverWith } from 'filefield/koa';
 *
 * new Koa().use(deliverWith(xAccelRedirect({ '/srv/var/documents': '/_documents' })));
 * ```
 */
export function deliverWith(delivery: DeliveryChoice): Middleware {
  return (context, next) => {
    setRequestDelivery(context.req, delivery);
    return next();
  };
}
