import type { FileBody } from '../file/body.js';
import { errorStatus, HttpError } from '../response/http-error.js';
import { methodResponse } from '../response/method.js';
import type { PreparedResponse } from '../response/prepared-response.js';
import type { DownloadRequest } from '../response/request.js';
import { respond } from '../response/respond.js';
import type { DownloadHandler, DownloadHooks } from '../response/download.js';

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

/** An answer with its bytes opened and not yet read. Close it. */
export interface OpenResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: FileBody | undefined;
  readonly hooks?: DownloadHooks;
  /** Why there is no download, where the status is that of an error. */
  readonly error?: unknown;
  readonly close: () => void;
}

/**
 * Runs a handler in this process as an adapter would, up to the first byte: method, view, conditions, ranges. Failures
 * become the status that a client would see, with the `error` beside it.
 */
export async function runHandler<Raw>(handler: DownloadHandler<Raw>, asked: ViewRequest<Raw>): Promise<OpenResponse> {
  const { method = 'GET', headers = {}, params = {} } = asked;
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request: DownloadRequest<Raw> = { method, url: asked.url, headers: lower, params, raw: asked.raw as Raw };
  let answer: PreparedResponse | undefined;
  try {
    answer = methodResponse(method) ?? (await respond(request, await handler(request)));
    const body = await answer.open?.();
    return { ...opened(answer), body, close: () => (body?.close(), answer?.close()) };
  } catch (error) {
    answer?.close();
    const { headers: told } = new HttpError(error);
    return { status: errorStatus(error), headers: told, body: undefined, error, close: () => undefined };
  }
}

function opened({ status, headers, hooks }: PreparedResponse): Pick<OpenResponse, 'status' | 'headers' | 'hooks'> {
  return { status, headers, ...(hooks && { hooks }) };
}
