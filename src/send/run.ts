import type { IncomingMessage, ServerResponse } from 'node:http';
import { methodResponse } from '../response/method.js';
import type { DownloadRequest } from '../response/request.js';
import { respond } from '../response/respond.js';
import type { DownloadHandler } from '../response/download.js';
import { withDelivery } from '../response/with-delivery.js';
import { deliveryOf } from './app-delivery.js';
import { ownTurn } from './own-turn.js';
import type { AdapterOptions } from './report.js';
import { writeResponse, type Outcome } from './write.js';

/** One request and its response, as a framework on Node's server has them. */
export interface Exchange<Raw> {
  readonly raw: Raw;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: DownloadRequest['params'];
  /** Path and query before a router took something off. */
  readonly url?: string;
}

/** What the adapters of all frameworks on Node's server share: view, answer, bytes. */
export async function runDownload<Raw>(
  handler: DownloadHandler<Raw>,
  { raw, request, response, params, url = request.url }: Exchange<Raw>,
  options: AdapterOptions<Raw> = {},
): Promise<Outcome> {
  const download: DownloadRequest<Raw> = {
    method: request.method ?? 'GET',
    url,
    headers: request.headers,
    params,
    raw,
    report: (error) => (options.onError ? options.onError(error, raw) : console.error(error)),
  };
  // Before the view, so that a POST to a download costs nothing and tells nothing.
  const decided = methodResponse(download.method);
  if (!(await ownTurn(request, response))) return 'aborted';
  if (decided) return writeResponse(response, decided);
  const delivered = withDelivery(handler, options.delivery ?? deliveryOf(request));
  return writeResponse(response, await respond(download, await delivered(download)), options);
}
