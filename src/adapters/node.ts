import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { HttpError } from '../response/http-error.js';
import type { DownloadHandler } from '../response/download.js';
import { localDownloadView, type SendFileOptions } from '../views/local.js';
import { report, type AdapterOptions } from '../send/report.js';
import { runDownload } from '../send/run.js';

/** A request of `node:http` or, through its compatibility API, of `node:http2`. */
type NodeRequest = IncomingMessage | Http2ServerRequest;

/**
 * Runs a view on a plain `node:http` or `node:http2` server. `params` are what your router took out of the path. Failures
 * are answered with their status and a one-line text; the promise never rejects. Over HTTP/2 a file that breaks off resets
 * its stream and leaves the others alone.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { downloadView } from 'filefield';
 * import { toNode } from 'filefield/node';
 *
 * const serve = toNode(downloadView(async () => null));
 * createServer((request, response) => void serve(request, response, { id: '1' }));
 * ```
 */
export function toNode<Request extends NodeRequest = IncomingMessage>(
  handler: DownloadHandler<Request>,
  options: AdapterOptions<Request> = {},
): (
  request: Request,
  response: ServerResponse | Http2ServerResponse,
  params?: Readonly<Record<string, string>>,
) => Promise<void> {
  return async (raw, answered, params = {}) => {
    // Made to be taken for them; what is different about their connections is in `connection`.
    const [request, response] = [raw as IncomingMessage, answered as ServerResponse];
    try {
      await runDownload(handler, { raw, request, response, params }, options);
    } catch (error) {
      report(error, raw, options);
      if (response.headersSent) return;
      const failure = new HttpError(error);
      const text = `${failure.message}\n`;
      response.writeHead(failure.status, {
        ...failure.headers,
        'content-type': 'text/plain; charset=utf-8',
        'content-length': String(text.length),
        'x-content-type-options': 'nosniff',
      });
      response.end(text);
    }
  };
}

/**
 * Answers the request at hand with a file of this machine: what a view does, without making one. The promise never rejects.
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
  response: ServerResponse | Http2ServerResponse,
  file: string,
  options: SendFileOptions<Request> & AdapterOptions<Request> = {},
): Promise<void> {
  return toNode(localDownloadView(file, options), options)(request, response);
}
