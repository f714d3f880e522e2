import type { Request, RequestHandler } from 'express';
import { HttpError } from '../response/http-error.js';
import type { DownloadHandler } from '../response/download.js';
import { report, type AdapterOptions } from '../send/report.js';
import { runDownload } from '../send/run.js';

/**
 * Mounts a view on Express 4 or 5. Failures go to Express's error handling as an error with `status`, a message that is
 * the status text, and the original as its `cause`; nothing else reaches the client.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { downloadView } from 'filefield';
 * import { toExpress } from 'filefield/express';
 *
 * express().get('/nothing', toExpress(downloadView(async () => null)));
 * ```
 */
export function toExpress(handler: DownloadHandler<Request>, options: AdapterOptions<Request> = {}): RequestHandler {
  return (request, response, next) => {
    const { params, originalUrl: url } = request;
    runDownload(handler, { raw: request, request, response, params, url }, options).catch((error: unknown) => {
      // After the head, the connection is gone already; Express would try to write to it.
      const passed = !response.headersSent;
      // What is passed on is logged there, with its cause; only Express 4's own handler prints no more than the status.
      if (options.onError || !passed || 'lazyrouter' in request.app) report(error, request, options);
      if (passed) next(new HttpError(error));
    });
  };
}
