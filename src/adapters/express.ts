import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import type { EntityRef, ObjectFinder } from '../entity.js';
import { isFileFieldError } from '../errors.js';
import { errorBody, errorStatus, HttpError } from '../response/error-status.js';
import type { DownloadHandler } from '../response/response.js';
import * as views from '../views/object.js';
import { runDownload } from './node.js';
import { report, type AdapterOptions } from './report.js';

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
    runDownload(handler, request, response, request.params, options).catch((error: unknown) => {
      // After the head, the connection is gone already; Express would try to write to it.
      const passed = !response.headersSent;
      // What is passed on is logged there, with its cause; only Express 4's own handler prints no more than the status.
      if (options.onError || !passed || 'lazyrouter' in request.app) report(error, request, options);
      if (passed) next(new HttpError(error));
    });
  };
}

/** `objectDownloadView` of `filefield`, mounted on Express. */
export function objectDownloadView<Entity extends object>(
  files: ObjectFinder,
  entity: EntityRef<Entity>,
  options: views.ObjectDownloadViewOptions<Entity, Request>,
): RequestHandler {
  return toExpress(views.objectDownloadView<Entity, Request>(files, entity, options));
}

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
    const cause: unknown = error instanceof HttpError ? error.cause : error;
    if (response.headersSent || !isFileFieldError(cause) || errorStatus(cause) >= 500) {
      next(error);
      return;
    }
    if (error instanceof HttpError) response.set(error.headers);
    response.status(errorStatus(cause)).json(errorBody(cause));
  };
}
