import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from '../response/error-status.js';
import type { DownloadHandler } from '../response/response.js';
import { localDownloadView, type SendFileOptions } from '../views/local.js';
import { report, type AdapterOptions } from './report.js';
import { runDownload } from './run-download.js';

/**
 * Runs a view on a plain `node:http` server. `params` are what your router took out of the path. Failures are answered
 * with their status and a one-line text; the promise never rejects.
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
export function toNode(
  handler: DownloadHandler<IncomingMessage>,
  options: AdapterOptions<IncomingMessage> = {},
): (request: IncomingMessage, response: ServerResponse, params?: Readonly<Record<string, string>>) => Promise<void> {
  return async (request, response, params = {}) => {
    try {
      await runDownload(handler, { raw: request, request, response, params }, options);
    } catch (error) {
      report(error, request, options);
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
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  options: SendFileOptions<IncomingMessage> & AdapterOptions<IncomingMessage> = {},
): Promise<void> {
  return toNode(localDownloadView(file, options), options)(request, response);
}
