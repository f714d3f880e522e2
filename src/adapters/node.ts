import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from '../response/error-status.js';
import { methodAnswer } from '../response/method-answer.js';
import type { DownloadRequest } from '../response/request.js';
import { respond } from '../response/respond.js';
import type { DownloadHandler } from '../response/response.js';
import { ownTurn } from './own-turn.js';
import { report, type AdapterOptions } from './report.js';
import { writeAnswer, type Outcome } from './write-answer.js';

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
      await runDownload(handler, request, response, params, options);
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

/** What the adapters of all frameworks on Node's server share: view, answer, bytes. */
export async function runDownload<Raw extends IncomingMessage>(
  handler: DownloadHandler<Raw>,
  request: Raw,
  response: ServerResponse,
  params: Readonly<Record<string, string | readonly string[] | undefined>>,
  options: AdapterOptions<Raw> = {},
): Promise<Outcome> {
  const download: DownloadRequest<Raw> = {
    method: request.method ?? 'GET',
    headers: request.headers,
    params,
    raw: request,
    report: (error) => (options.onError ? options.onError(error, request) : console.error(error)),
  };
  // Before the view, so that a POST to a download costs nothing and tells nothing.
  const decided = methodAnswer(download.method);
  if (!(await ownTurn(request, response))) return 'aborted';
  if (decided) return writeAnswer(response, decided);
  return writeAnswer(response, await respond(download, await handler(download)), options);
}
