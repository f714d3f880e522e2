import { channel } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';
import type { Download } from '../response/download.js';
import type { DownloadRequest } from '../response/request.js';

/**
 * Why this process streams a file.
 *
 * | reason | when |
 * | --- | --- |
 * | `no_path` | the file is not on this machine |
 * | `no_place` | the file is in none of the delivery's folders |
 * | `no_url` | the storage of the file has no URLs |
 * | `not_there` | the file cannot be found, or has another size than it should |
 * | `name` | the server in front cannot be given this name |
 * | `small` | the file is smaller than `minSize` |
 * | `encoded` | the stored bytes have a Content-Encoding, which the server in front would not declare |
 * | `condition` | the request is conditional, and the view answers with 304 or 412, or the server in front would not answer it right |
 * | `no_rule` | no rule of `deliveryRules` matches |
 * | `none` | the delivery that was chosen is `'none'` |
 */
export type StreamReason =
  'no_path' | 'no_place' | 'no_url' | 'not_there' | 'name' | 'small' | 'encoded' | 'condition' | 'no_rule' | 'none';

/**
 * Published for every download on the `node:diagnostics_channel` named `filefield:delivery`, and printed with
 * `NODE_DEBUG=filefield`. For logs, not for clients.
 */
export interface DeliveryEvent {
  /** `nginx`, `apache`, `lighttpd`, `caddy`, `redirect` or `rules`. */
  readonly delivery: string;
  /** Whether another server sends the bytes, or this process. */
  readonly outcome: 'handed_over' | 'streamed';
  /** Why it is streamed; absent if it is handed over. */
  readonly reason?: StreamReason;
  /** The method of the request. */
  readonly method: string;
  /** Path and query of the request. */
  readonly url?: string;
  /** The name of the file. */
  readonly name?: string;
}

/** Options of every delivery about what it reports. */
export interface ExplainOptions {
  /**
   * Adds the header `X-Filefield-Delivery` to every download: the delivery that sends it, or `streamed` with the reason.
   * The header reveals nothing else.
   * @default false
   */
  readonly explain?: boolean;
}

/** What a delivery decided for one download. Without a `reason` it was handed over. */
export type Decision = Pick<DeliveryEvent, 'delivery' | 'name' | 'reason'>;

const events = channel('filefield:delivery');
const debug = debuglog('filefield');

/** Reports a decision on the channel and, with the option `explain`, in a header of the download that is returned. */
export function explain(
  request: DownloadRequest,
  download: Download,
  { delivery, name, reason }: Decision,
  options: ExplainOptions,
): Download {
  const outcome = reason ? 'streamed' : 'handed_over';
  if (events.hasSubscribers || debug.enabled) {
    const event: DeliveryEvent = { delivery, outcome, reason, method: request.method, url: request.url, name };
    events.publish(event);
    debug('%s %s: %s by %s %s', event.method, event.url ?? '', outcome, delivery, reason ?? '');
  }
  if (!options.explain) return download;
  const value = reason ? `streamed; reason=${reason}` : delivery;
  return { ...download, headers: { ...download.headers, 'x-filefield-delivery': value } };
}
