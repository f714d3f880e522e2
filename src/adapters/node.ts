import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { DownloadHandler } from '../response/download.js';
import { errorResponse } from '../response/http-error.js';
import { adapterSettings, reportFailure, runDownload, type AdapterOptions, type RunOptions } from '../send/run.js';
import { mountedView, type MountedView } from '../send/mounted-view.js';
import { sendFileView, type SendFileOptions } from '../views/path-view.js';
import { readyViews } from '../views/ready-views.js';

/** A request of `node:http`, or of `node:http2` through its compatibility API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response of `node:http`, or of `node:http2` through its compatibility API. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * Answers a request. `params` are the route parameters that your router found. Never rejects: a failure is answered with
 * its status and the status text as one line. Its `view` is for `runView`.
 */
export type NodeHandler<Request extends NodeRequest = NodeRequest> = MountedView<
  (request: Request, response: NodeResponse, params?: Readonly<Record<string, string>>) => Promise<void>,
  Request
>;

/**
 * Runs a view on a plain `node:http` or `node:http2` server. Over HTTP/2 a download that fails resets its own stream and
 * leaves the other streams of the connection alone.
 *
 * @throws `invalid_option` for an `idleTimeout` out of range
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { pathView } from 'filefield';
 * import { toNode } from 'filefield/node';
 *
 * const serve = toNode(pathView({ root: 'public', path: (_request, params) => params.file }));
 * createServer((request, response) => void serve(request, response, { file: 'manual.pdf' }));
 * ```
 */
export function toNode<Request extends NodeRequest = IncomingMessage>(
  handler: DownloadHandler<Request>,
  options: AdapterOptions<Request> = {},
): NodeHandler<Request> {
  const settings = adapterSettings(options);
  const serve = async (raw: Request, nodeResponse: NodeResponse, params: Readonly<Record<string, string>> = {}) => {
    // The classes of HTTP/2 imitate those of HTTP/1; `send/client-connection` deals with the differences.
    const request = raw as IncomingMessage;
    const response = nodeResponse as ServerResponse;
    try {
      await runDownload(handler, { raw, request, response, params }, settings);
    } catch (error) {
      reportFailure(error, raw, settings);
      if (response.headersSent) return;
      const { status, headers, text } = errorResponse(error);
      response.writeHead(status, headers);
      response.end(text);
    }
  };
  return mountedView(serve, handler, settings.delivery);
}

const views = readyViews<NodeRequest, NodeHandler, RunOptions<NodeRequest>>(toNode);

/** `objectView` of `filefield` as a handler of Node's servers. */
export const objectDownloadView = views.objectDownloadView;
/** `storageView` of `filefield` as a handler of Node's servers. */
export const storageDownloadView = views.storageDownloadView;
/** `pathView` of `filefield` as a handler of Node's servers. */
export const pathDownloadView = views.pathDownloadView;
/** `httpView` of `filefield` as a handler of Node's servers. */
export const httpDownloadView = views.httpDownloadView;
/** `virtualView` of `filefield` as a handler of Node's servers. */
export const virtualDownloadView = views.virtualDownloadView;

/**
 * Sends a local file as the response to a request. The promise never rejects.
 *
 * @param path absolute or relative to the working directory; with the option `root`, below the root
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { sendFile } from 'filefield/node';
 *
 * createServer((request, response) => void sendFile(request, response, 'manual.pdf', { root: 'public' }));
 * ```
 */
export function sendFile<Request extends NodeRequest>(
  request: Request,
  response: NodeResponse,
  path: string,
  options: SendFileOptions<Request> & RunOptions<Request> = {},
): Promise<void> {
  const { onError, idleTimeout } = options;
  return toNode<Request>(sendFileView(path, options), { onError, idleTimeout })(request, response);
}
