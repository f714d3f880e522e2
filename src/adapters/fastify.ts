import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Writable } from 'node:stream';
import { FileFieldError } from '../errors.js';
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
import { ended, forbidTrailers, FrameworkBody, type ResponseHeaders } from '../send/framework-body.js';
import { expectBytes } from '../send/framework-bytes.js';
import { bodyHeaders, responseHeaders, type HeadSender } from '../send/write.js';
import { mountedView, type MountedView } from '../send/mounted-view.js';
import { sendFileView, type SendFileOptions } from '../views/path-view.js';
import { readyViews } from '../views/ready-views.js';

/** A route handler of Fastify 5. Its `view` is for `runView`. */
export type FastifyHandler = MountedView<
  (request: FastifyRequest, reply: FastifyReply) => Promise<void>,
  FastifyRequest
>;

/**
 * Makes a route handler for Fastify 5 from a view. Its hooks run, `onSend` included, and their headers are kept. A failure
 * goes to Fastify's error handling as an `HttpError`: its message is the status text, and its `cause` the original error,
 * for Fastify's logger.
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
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    const { raw: response } = reply;
    const params = request.params as DownloadRequest['params'];
    const sent: string[] = [];
    const sendHead: HeadSender = (_response, prepared, bytes) => {
      const headers = responseHeaders(prepared, response, (name) => reply.getHeader(name));
      if (prepared.status === 304) for (const name of bodyHeaders) reply.removeHeader(name);
      sent.push(...Object.keys(headers));
      reply.code(prepared.status).headers(headers);
      return sendReply(reply, prepared, settings, bytes);
    };
    const exchange = { raw: request, request: request.raw, response, params, url: request.originalUrl, sendHead };
    try {
      await runDownload(handler, exchange, settings);
    } catch (error) {
      const answerable = !response.headersSent;
      if (settings.onError || !answerable) reportFailure(error, request, settings);
      if (!answerable) return;
      for (const name of sent) reply.removeHeader(name);
      throw new HttpError(error);
    }
  };
  // Not a rejection: Express 4 does not handle one, and it would end the process.
  const checked: typeof serve = (request, reply) => {
    if (reply?.raw && request?.raw) return serve(request, reply);
    throw new FileFieldError(
      'invalid_option',
      'A view of filefield/fastify needs request and reply of Fastify; on Express use filefield/express.',
    );
  };
  return mountedView(checked, handler, settings.delivery);
}

/** Lets Fastify run its onSend hooks and send the head. Returns where they want the body. */
function sendReply(
  reply: FastifyReply,
  prepared: PreparedResponse,
  { idleTimeout }: AdapterSettings<FastifyRequest>,
  bytes?: Buffer,
): Promise<Writable | undefined> | undefined {
  const { raw: response, request } = reply;
  const headers: ResponseHeaders = {
    get: (name) => reply.getHeader(name),
    // Fastify has copied the headers to the response by now if the body is a stream.
    set: (name, value) => {
      reply.header(name, value);
      if (response.hasHeader(name)) response.setHeader(name, value);
    },
    remove: (name) => {
      reply.removeHeader(name);
      if (!response.headersSent) response.removeHeader(name);
    },
  };
  const given = bytes && request.raw.httpVersionMajor === 1 ? bytes : undefined;
  // Without a body Fastify ends the response itself, and would call a stream a body; for HEAD it expects one.
  if (given || (!prepared.open && request.method !== 'HEAD')) {
    if (given) expectBytes(response, given, idleTimeout, headers);
    else forbidTrailers(response, headers);
    reply.send(given);
    // Until then, as hooks may be slow: Fastify sends the reply once more when its handler resolves before the head is sent.
    return response.writableEnded ? undefined : ended(response);
  }
  const body = new FrameworkBody(response, headers);
  reply.send(body);
  return body.target;
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
 * An error handler that answers failures of uploads and downloads with their status and JSON, as that of Express does. All
 * other errors, and those with a status of 500 and above, go to Fastify's own handler.
 *
 * @example
 * ```ts
 * import { fastify } from 'fastify';
 * import { fileErrors } from 'filefield/fastify';
 *
 * fastify().setErrorHandler(fileErrors());
 * ```
 */
export function fileErrors(
  options: FileErrorsOptions = {},
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, _request, reply) => {
    const refused = clientError(error, options);
    if (refused) void reply.code(refused.status).headers(refused.headers).send(refused.body);
    else void reply.send(error);
  };
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
