import type { PreparedResponse } from '../response/prepared-response.js';
import { HttpError } from '../response/http-error.js';
import { methodResponse } from '../response/method.js';
import type { DownloadRequest } from '../response/request.js';
import { respond } from '../response/respond.js';
import type { DownloadHandler } from '../response/download.js';
import { withDelivery } from '../response/with-delivery.js';
import { openStream } from '../send/fetch-body.js';
import { report, type AdapterOptions } from '../send/report.js';

/**
 * Runs a view where requests and responses are those of `fetch`: Hono, Next.js, Deno, Bun and workers with Node's modules.
 * `params` are what your router took out of the path. Failures are answered with their status and a one-line text; the
 * promise never rejects. The file is read as the client takes it, and closed when the client leaves.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { downloadView } from 'filefield';
 * import { toFetch } from 'filefield/fetch';
 *
 * const serve = toFetch(downloadView(async () => null));
 * new Hono().get('/files/:id', (context) => serve(context.req.raw, context.req.param()));
 * ```
 */
export function toFetch(
  handler: DownloadHandler<Request>,
  options: AdapterOptions<Request> = {},
): (request: Request, params?: Readonly<Record<string, string>>) => Promise<Response> {
  const delivered = withDelivery(handler, options.delivery);
  return async (request, params = {}) => {
    try {
      const { pathname, search } = new URL(request.url);
      const download: DownloadRequest<Request> = {
        method: request.method,
        url: pathname + search,
        headers: Object.fromEntries(request.headers),
        params,
        raw: request,
        report: (error) => (options.onError ? options.onError(error, request) : console.error(error)),
      };
      const decided = methodResponse(download.method);
      return await toResponse(decided ?? (await respond(download, await delivered(download))), request, options);
    } catch (error) {
      report(error, request, options);
      const { status, message, headers } = new HttpError(error);
      return new Response(request.method === 'HEAD' ? null : `${message}\n`, {
        status,
        headers: {
          ...headers,
          'content-type': 'text/plain; charset=utf-8',
          'content-length': String(message.length + 1),
          'x-content-type-options': 'nosniff',
        },
      });
    }
  };
}

async function toResponse(
  answer: PreparedResponse,
  request: Request,
  options: AdapterOptions<Request>,
): Promise<Response> {
  const { status, hooks } = answer;
  try {
    // Before the bytes are opened: an option may have made a header that cannot be sent.
    const headers = new Headers(answer.headers);
    if (answer.open) return new Response(await openStream(answer, request, options), { status, headers });
    hooks?.start?.({ status, bytes: 0 });
    hooks?.complete?.({ status, bytes: 0 });
    answer.close();
    return new Response(null, { status, headers });
  } catch (error) {
    answer.close();
    throw error;
  }
}
