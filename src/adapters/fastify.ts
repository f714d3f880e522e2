import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from '../response/http-error.js';
import type { DownloadRequest } from '../response/request.js';
import type { DeliveryChoice, DownloadHandler } from '../response/download.js';
import { setDelivery } from '../send/app-delivery.js';
import { report, type AdapterOptions } from '../send/report.js';
import { runDownload } from '../send/run.js';

/**
 * Makes a route handler for Fastify 5; headers that hooks set stay. Failures go to Fastify's error handling as an error
 * with `statusCode`, a message that is the status text, and the original as its `cause`, for Fastify's logger.
 *
 * @example
 * ```ts
 * import { fastify } from 'fastify';
 * import { downloadView } from 'filefield';
 * import { toFastify } from 'filefield/fastify';
 *
 * fastify().get('/nothing', toFastify(downloadView(async () => null)));
 * ```
 */
export function toFastify(
  handler: DownloadHandler<FastifyRequest>,
  options: AdapterOptions<FastifyRequest> = {},
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const { raw: response } = reply;
    // Fastify keeps the headers of hooks to itself until it sends.
    const kept = Object.entries(reply.getHeaders()).filter(([name]) => !response.hasHeader(name));
    for (const [name, value] of kept) if (value !== undefined) response.setHeader(name, value);
    const params = request.params as DownloadRequest['params'];
    const exchange = { raw: request, request: request.raw, response, params, url: request.originalUrl };
    try {
      await runDownload(handler, exchange, options);
    } catch (error) {
      const passed = !response.headersSent;
      if (options.onError || !passed) report(error, request, options);
      if (passed) {
        for (const [name] of kept) response.removeHeader(name);
        throw new HttpError(error);
      }
    }
    // Only now: a reply that is hijacked before could not answer an error any more.
    reply.hijack();
  };
}

/**
 * A hook that says who sends the bytes of all views in its scope that do not say so themselves; the innermost word counts.
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
  return async (request) => setDelivery(request.raw, delivery);
}
