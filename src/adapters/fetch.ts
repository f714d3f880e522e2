import { withDelivery, type DownloadHandler, type PreparedResponse } from '../response/download.js';
import { HookCaller } from '../response/hooks.js';
import { clientError, errorResponse, type FileErrorsOptions } from '../response/http-error.js';
import { observed } from '../response/observed.js';
import type { DownloadRequest } from '../response/request.js';
import { methodResponse, respond } from '../response/respond.js';
import { openBody } from '../send/fetch-body.js';
import {
  adapterSettings,
  reporter,
  reportFailure,
  type AdapterOptions,
  type AdapterSettings,
  type RunOptions,
} from '../send/run.js';
import { mountedView, type MountedView } from '../send/mounted-view.js';
import { sendFileView, type SendFileOptions } from '../views/path-view.js';
import { readyViews } from '../views/ready-views.js';

/**
 * Answers a request. `params` are the route parameters that your router found. Never rejects: a failure resolves to a
 * response with its status and the status text as one line. Its `view` is for `runView`.
 */
export type FetchHandler = MountedView<
  (request: Request, params?: Readonly<Record<string, string>>) => Promise<Response>,
  Request
>;

/**
 * Runs a view on servers that use the `Request` and `Response` of the Fetch Standard: Hono, Next.js, Deno, Bun, and
 * workers that provide Node's modules. The file is read as the client reads the response, and closed when the client
 * disconnects.
 *
 * @throws `invalid_option` for an `idleTimeout` out of range
 *
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { pathView } from 'filefield';
 * import { toFetch } from 'filefield/fetch';
 *
 * const serve = toFetch(pathView({ root: 'public', path: (_request, params) => params.file }));
 * new Hono().get('/files/:file', (context) => serve(context.req.raw, context.req.param()));
 * ```
 */
export function toFetch(handler: DownloadHandler<Request>, options: AdapterOptions<Request> = {}): FetchHandler {
  const settings = adapterSettings(options);
  const delivered = withDelivery(handler, settings.delivery);
  const serve = async (request: Request, params: Readonly<Record<string, string>> = {}) => {
    try {
      const { pathname, search } = new URL(request.url);
      const download: DownloadRequest<Request> = {
        method: request.method,
        url: pathname + search,
        headers: Object.fromEntries(request.headers),
        params,
        raw: request,
        report: reporter(request, settings),
      };
      return await observed(download, async () => {
        const decided = methodResponse(download.method);
        return toResponse(decided ?? (await respond(download, await delivered(download))), request, settings);
      });
    } catch (error) {
      reportFailure(error, request, settings);
      const { status, headers, text } = errorResponse(error);
      return new Response(request.method === 'HEAD' ? null : text, { status, headers });
    }
  };
  return mountedView(serve, handler, settings.delivery);
}

async function toResponse(
  prepared: PreparedResponse,
  request: Request,
  settings: AdapterSettings<Request>,
): Promise<Response> {
  const { status } = prepared;
  try {
    // Before the file is opened, because a view's options may have made an invalid header.
    const headers = new Headers(prepared.headers);
    // Compressing middleware obeys it: length, ranges and strong tag are those of the stored bytes.
    const compressible = request.headers.has('accept-encoding') && headers.get('accept-ranges') === 'bytes';
    if (compressible) headers.append('cache-control', 'no-transform');
    if (prepared.open) return new Response(await openBody(prepared, request, settings), { status, headers });
    const hooks = new HookCaller(prepared);
    hooks.start();
    hooks.complete();
    prepared.close();
    return new Response(null, { status, headers });
  } catch (error) {
    prepared.close();
    throw error;
  }
}

const views = readyViews<Request, FetchHandler, RunOptions<Request>>(toFetch);

/** `objectView` of `filefield` as a handler of `fetch`. */
export const objectDownloadView = views.objectDownloadView;
/** `storageView` of `filefield` as a handler of `fetch`. */
export const storageDownloadView = views.storageDownloadView;
/** `pathView` of `filefield` as a handler of `fetch`. */
export const pathDownloadView = views.pathDownloadView;
/** `httpView` of `filefield` as a handler of `fetch`. */
export const httpDownloadView = views.httpDownloadView;
/** `virtualView` of `filefield` as a handler of `fetch`. */
export const virtualDownloadView = views.virtualDownloadView;

/**
 * The response to a request with a local file. The promise never rejects.
 *
 * @param path absolute or relative to the working directory; with the option `root`, below the root
 *
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { sendFile } from 'filefield/fetch';
 *
 * new Hono().get('/terms', (context) => sendFile(context.req.raw, 'terms.pdf', { root: 'public' }));
 * ```
 */
export function sendFile(
  request: Request,
  path: string,
  options: SendFileOptions<Request> & RunOptions<Request> = {},
): Promise<Response> {
  const { onError, idleTimeout } = options;
  return toFetch(sendFileView(path, options), { onError, idleTimeout })(request);
}

/**
 * The response to a failure of an upload or download: its status and JSON, as `fileErrors` of Express answers it. Undefined
 * for all other errors, and for those with a status of 500 and above.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { fileErrorResponse } from 'filefield/fetch';
 *
 * new Hono().onError((error, context) => {
 *   const refused = fileErrorResponse(error);
 *   if (refused) return refused;
 *   console.error(error);
 *   return context.text('Internal Server Error', 500);
 * });
 * ```
 */
export function fileErrorResponse(error: unknown, options: FileErrorsOptions = {}): Response | undefined {
  const refused = clientError(error, options);
  return refused && Response.json(refused.body, { status: refused.status, headers: refused.headers });
}
