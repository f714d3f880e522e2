import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DeliveryChoice, DownloadHandler } from '../response/download.js';
import { HttpError } from '../response/http-error.js';
import type { DownloadRequest } from '../response/request.js';
import {
  adapterSettings,
  reportFailure,
  runDownload,
  setRequestDelivery,
  type AdapterOptions,
  type RunOptions,
} from '../send/run.js';
import { sendFileView, type SendFileOptions } from '../views/path-view.js';
import { readyViews } from '../views/ready-views.js';

/** A route handler of Fastify 5. */
export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Makes a route handler for Fastify 5 from a view. Headers that hooks set are kept. A failure goes to Fastify's error
 * handling as an `HttpError`: its message is the status text, and its `cause` the original error, for Fastify's logger.
 *
 * @throws `invalid_option` for an `idleTimeout` out of range
 *
 * @example
 * ```ts
 * import { fastify } from 'fastify';
 * import { downloadView, localFile } from 'filefield';
 * import { toFastify } from 'filefield/fastify';
 *
 * const view = downloadView(async () => ({ subject: null, file: () => localFile('terms.pdf') }));
 * fastify().get('/terms', toFastify(view));
 * ```
 */
export function toFastify(
  handler: DownloadHandler<FastifyRequest>,
  options: AdapterOptions<FastifyRequest> = {},
): FastifyHandler {
  const settings = adapterSettings(options);
  return async (request, reply) => {
    const { raw: response } = reply;
    // Fastify stores the headers of hooks in the reply until it sends the reply itself.
    const copied = Object.entries(reply.getHeaders()).filter(([name]) => !response.hasHeader(name));
    for (const [name, value] of copied) if (value !== undefined) response.setHeader(name, value);
    const params = request.params as DownloadRequest['params'];
    const exchange = { raw: request, request: request.raw, response, params, url: request.originalUrl };
    try {
      await runDownload(handler, exchange, settings);
    } catch (error) {
      const answerable = !response.headersSent;
      if (settings.onError || !answerable) reportFailure(error, request, settings);
      if (answerable) {
        for (const [name] of copied) response.removeHeader(name);
        throw new HttpError(error);
      }
    }
    // Not earlier: Fastify cannot answer an error for a hijacked reply.
    reply.hijack();
  };
}

const views = readyViews<FastifyRequest, FastifyHandler, RunOptions<FastifyRequest>>(toFastify);

/** `objectView` of `filefield` as a handler of Fastify. */
export const objectDownloadView = views.objectDownloadView;
/** `storageView` of `filefield` as a handler of Fastify. */
export const storageDownloadView = views.storageDownloadView;
/** `pathView` of `filefield` as a handler of Fastify. */
export const pathDownloadView = views.pathDownloadView;
/** `httpView` of `filefield` as a handler of Fastify. */
export const httpDownloadView = views.httpDownloadView;
/** `virtualView` of `filefield` as a handler of Fastify. */
export const virtualDownloadView = views.virtualDownloadView;

/**
 * Sends a local file as the response to a request, from within a route of your own. Rejects with an `HttpError`, which
 * Fastify answers.
 *
 * @param path absolute or relative to the working directory; with the option `root`, below the root
 *
 * @example
 * ```ts
 * import { fastify } from 'fastify';
 * import { sendFile } from 'filefield/fastify';
 *
 * fastify().get('/terms', (request, reply) => sendFile(request, reply, 'terms.pdf', { root: 'public' }));
 * ```
 */
export function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  options: SendFileOptions<FastifyRequest> & RunOptions<FastifyRequest> = {},
): Promise<void> {
  const { onError, idleTimeout } = options;
  return toFastify(sendFileView(path, options), { onError, idleTimeout })(request, reply);
}

/**
 * A hook that sets the delivery of all views in its scope that have none of their own. That of an inner scope replaces
 * that of an outer one; `'none'` is this process.
 *
 * @example
 * ```ts
 * import { fastify } from 'fastify';
 * import { xAccelRedirect } from 'filefield';
 * import { deliverWith } from 'filefield/fastify';
 *
 * fastify().addHook('onRequest', deliverWith(xAccelRedirect({ '/srv/var/documents': '/_documents' })));
 * ```
 */
export function deliverWith(delivery: DeliveryChoice): (request: FastifyRequest) => Promise<void> {
  return async (request) => setRequestDelivery(request.raw, delivery);
}

/**
 * A plugin for applications that receive files: it leaves the body of a multipart request to `files.receive(request, …)`.
 * Without it, Fastify answers such a request with 415 before the handler runs. It does nothing where a plugin such as
 * `@fastify/multipart` parses these requests already; `files.receive` works beside that one too.
 *
 * @example
 * ```ts
 * import { fastify } from 'fastify';
 * import type { Files, StoredFile } from 'filefield';
 * import { multipartForms } from 'filefield/fastify';
 *
 * declare const files: Files;
 * declare class Document { file: StoredFile | null }
 * const app = fastify();
 * app.register(multipartForms);
 * app.post('/documents', async (request) => {
 *   const { file } = await files.receive(request, Document, 'file');
 *   return { name: file?.name };
 * });
 * ```
 */
export const multipartForms: (app: FastifyInstance, options: object, done: () => void) => void = Object.assign(
  (app: FastifyInstance, _options: object, done: () => void) => {
    const type = 'multipart/form-data';
    if (!app.hasContentTypeParser(type)) app.addContentTypeParser(type, (_request, _body, parsed) => parsed(null));
    done();
  },
  // Fastify's own marks of a plugin that works in the scope that registers it, and of its name.
  { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'filefield' },
);
