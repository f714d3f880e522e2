import type { DownloadRequest } from '../response/request.js';

/** Route parameters as the framework decoded them; a wildcard may be a list of segments. */
export type RouteParams = DownloadRequest['params'];

/** A value that a view looks something up by, or how to get it out of a request; undefined or null means there is none. */
export type Requested<Value, Raw> =
  Value | ((request: Raw, params: RouteParams) => Value | undefined | null | Promise<Value | undefined | null>);

/** The value that a request asks for. */
export async function requested<Value, Raw>(
  wanted: Requested<Value, Raw>,
  request: DownloadRequest<Raw>,
): Promise<Value | undefined | null> {
  return typeof wanted === 'function'
    ? (wanted as (raw: Raw, params: RouteParams) => Value)(request.raw, request.params)
    : wanted;
}
