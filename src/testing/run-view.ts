import { errorStatus, HttpError } from '../response/error-status.js';
import { methodAnswer } from '../response/method-answer.js';
import type { DownloadRequest } from '../response/request.js';
import { respond } from '../response/respond.js';
import type { DownloadHandler } from '../response/response.js';

/** The request to run a view with; what is left out is as in a plain GET. */
export interface ViewRequest<Raw> {
  /** @default 'GET' */
  readonly method?: string;
  /** Path and query, for signatures. */
  readonly url?: string;
  /** In any case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Route parameters, decoded. */
  readonly params?: DownloadRequest['params'];
  /** What the view's options see as the request. */
  readonly raw?: Raw;
}

/** What a client would get. */
export interface ViewResult {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Why there is no download, where the status is that of an error. */
  readonly error?: unknown;
}

/**
 * Runs a view without a server, as an adapter would: method, view, conditions, ranges, bytes, hooks. Failures become the
 * status that a client would see, with the `error` beside it; a file that breaks off in the middle rejects.
 *
 * @example
 * ```ts
 * import { virtualDownloadView } from 'filefield';
 * import { runView } from 'filefield/testing';
 *
 * const view = virtualDownloadView(() => ({ name: 'a.txt', content: 'hello' }));
 * const { status, body } = await runView(view, { headers: { range: 'bytes=0-1' } }); // 206, 'he'
 * ```
 */
export async function runView<Raw>(view: DownloadHandler<Raw>, asked: ViewRequest<Raw> = {}): Promise<ViewResult> {
  const { method = 'GET', headers = {}, params = {} } = asked;
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request: DownloadRequest<Raw> = { method, url: asked.url, headers: lower, params, raw: asked.raw as Raw };
  let answer;
  let body;
  try {
    answer = methodAnswer(method) ?? (await respond(request, await view(request)));
    body = await answer.open?.();
  } catch (error) {
    answer?.close();
    return { status: errorStatus(error), headers: new HttpError(error).headers, body: Buffer.alloc(0), error };
  }
  const { status, hooks } = answer;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    hooks?.start?.({ status, bytes });
    for await (const chunk of body?.stream() ?? []) {
      chunks.push(Buffer.from(chunk));
      bytes += chunk.byteLength;
    }
    hooks?.complete?.({ status, bytes });
  } catch (error) {
    hooks?.abort?.({ status, bytes, error });
    throw error;
  } finally {
    body?.close();
    answer.close();
  }
  return { status, headers: answer.headers, body: Buffer.concat(chunks) };
}
