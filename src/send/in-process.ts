import type { FileBody } from '../file/body.js';
import {
  withDelivery,
  type DeliveryChoice,
  type DownloadHandler,
  type PreparedResponse,
} from '../response/download.js';
import type { DownloadHooks } from '../response/hooks.js';
import { HttpError } from '../response/http-error.js';
import type { DownloadRequest } from '../response/request.js';
import { methodResponse, respond } from '../response/respond.js';

/**
 * A request to run a view with. Every member is optional; the default is a plain GET.
 *
 * @typeParam Raw what the functions among the view's options get as the request
 */
export interface ViewRequest<Raw> {
  /** @default 'GET' */
  readonly method?: string;
  /** Path and query, for signatures. */
  readonly url?: string;
  /** Names in any case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Route parameters, decoded. */
  readonly params?: DownloadRequest['params'];
  /** The request that the functions among the view's options get. */
  readonly raw?: Raw;
  /**
   * The delivery of the application or router, as `deliverWith` sets it.
   * @default none
   */
  readonly delivery?: DeliveryChoice;
}

/** A response whose body is open and unread. Call `close` at the end. */
export interface OpenResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined if the response has no body. */
  readonly body: FileBody | undefined;
  readonly hooks?: DownloadHooks;
  /** The error that led to the status; absent for a success. */
  readonly error?: unknown;
  readonly close: () => void;
}

/**
 * Runs a handler in this process as an adapter would, up to the first byte: method, view, conditions, range. Never
 * rejects: a failure resolves to the status that a client would get, with the `error`.
 */
export async function runHandler<Raw>(
  handler: DownloadHandler<Raw>,
  { method = 'GET', url, headers = {}, params = {}, raw, delivery }: ViewRequest<Raw>,
): Promise<OpenResponse> {
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request: DownloadRequest<Raw> = { method, url, headers: lowerCase, params, raw: raw as Raw };
  let prepared: PreparedResponse | undefined;
  try {
    prepared = methodResponse(method) ?? (await respond(request, await withDelivery(handler, delivery)(request)));
    const body = await prepared.open?.();
    const { status, hooks, close } = prepared;
    return {
      status,
      headers: prepared.headers,
      body,
      ...(hooks && { hooks }),
      close: () => (body?.close(), close()),
    };
  } catch (error) {
    prepared?.close();
    const { status, headers: errorHeaders } = new HttpError(error);
    return { status, headers: errorHeaders, body: undefined, error, close: () => undefined };
  }
}
