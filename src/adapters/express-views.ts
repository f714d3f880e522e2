import type { Request, RequestHandler } from 'express';
import type { EntityRef, ObjectFinder } from '../file/entity.js';
import { FileFieldError } from '../errors.js';
import type { Storage } from '../file/storage.js';
import * as http from '../views/http-download-view.js';
import * as local from '../views/local.js';
import * as object from '../views/object-download-view.js';
import type { DownloadViewOptions } from '../views/view-options.js';
import * as path from '../views/path-download-view.js';
import * as storage from '../views/storage-download-view.js';
import * as virtual from '../views/virtual-download-view.js';
import type { AdapterOptions } from '../send/report.js';
import { toExpress } from './to-express.js';

/** What a view of Express may be told besides: how it is run. */
type Run = Pick<AdapterOptions<Request>, 'onError' | 'idleTimeout'>;

/** `objectDownloadView` of `filefield`, mounted on Express. */
export function objectDownloadView<Entity extends object>(
  files: ObjectFinder,
  entity: EntityRef<Entity>,
  options: object.ObjectDownloadViewOptions<Entity, Request> & Run,
): RequestHandler {
  return toExpress(object.objectDownloadView<Entity, Request>(files, entity, options), runOf(options));
}

/** `storageDownloadView` of `filefield`, mounted on Express. */
export function storageDownloadView(
  from: Storage | ((request: Request) => Storage | Promise<Storage>),
  options: storage.StorageDownloadViewOptions<Request> & Run,
): RequestHandler {
  return toExpress(storage.storageDownloadView<Request>(from, options), runOf(options));
}

/** `pathDownloadView` of `filefield`, mounted on Express. */
export function pathDownloadView(options: path.PathDownloadViewOptions<Request> & Run): RequestHandler {
  return toExpress(path.pathDownloadView<Request>(options), runOf(options));
}

/** `httpDownloadView` of `filefield`, mounted on Express. */
export function httpDownloadView(options: http.HttpDownloadViewOptions<Request> & Run): RequestHandler {
  return toExpress(http.httpDownloadView<Request>(options), runOf(options));
}

/** `virtualDownloadView` of `filefield`, mounted on Express. */
export function virtualDownloadView(
  make: Parameters<typeof virtual.virtualDownloadView<Request>>[0],
  options: DownloadViewOptions<Request, undefined> & Run = {},
): RequestHandler {
  return toExpress(virtual.virtualDownloadView<Request>(make, options), runOf(options));
}

/**
 * Answers the request at hand with a file of this machine, from within a route of yours: what a view does, without making
 * one. Failures go to Express's error handling.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { sendFile } from 'filefield/express';
 *
 * express().get('/terms', (request) => sendFile(request, 'terms.pdf', { root: 'public', disposition: 'inline' }));
 * ```
 */
export function sendFile(request: Request, file: string, options: local.SendFileOptions<Request> & Run = {}): void {
  const { res: response, next } = request;
  if (!response || !next) throw new FileFieldError('invalid_option', 'sendFile is for requests of Express.');
  void toExpress(local.localDownloadView(file, options), runOf(options))(request, response, next);
}

/** The view sees to its delivery itself. */
function runOf({ onError, idleTimeout }: Run): Run {
  return { onError, idleTimeout };
}
