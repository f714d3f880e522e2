import type { IncomingMessage, ServerResponse } from 'node:http';
import { methodAnswer } from '../response/method-answer.js';
import type { DownloadRequest } from '../response/request.js';
import { respond } from '../response/respond.js';
import type { DownloadHandler } from '../response/response.js';
import { ownTurn } from './own-turn.js';
import type { AdapterOptions } from './report.js';
import { writeAnswer, type Outcome } from './write-answer.js';

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
