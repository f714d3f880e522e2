import { channel } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';
import type { DownloadRequest } from '../response/request.js';
import type { Download } from '../response/download.js';
import type { HandOverOptions } from './hand-over-options.js';

/**
 * Why a file was not handed over: it is no file on this machine and has no URL (`no_path`, `no_url`), is outside all
 * places (`no_place`), is not there or not as it should be (`not_there`), has a name that this server cannot carry
 * (`name`), is smaller than `minSize` (`small`), is stored encoded (`encoded`), a condition of the request fails (`condition`), or no rule is about it (`no_rule`).
 */
export type StreamReason =
  'no_path' | 'no_url' | 'no_place' | 'not_there' | 'name' | 'small' | 'encoded' | 'condition' | 'no_rule' | 'none';

/** Published for every download on `node:diagnostics_channel` as `filefield:delivery`. For logs, never for clients. */
export interface DeliveryEvent {
  /** `nginx`, `apache`, `lighttpd`, `caddy`, `redirect` or `rules`. */
  readonly delivery: string;
  readonly outcome: 'handed_over' | 'streamed';
  readonly reason?: StreamReason;
  readonly method: string;
  readonly url?: string;
  /** The name of the file. */
  readonly name?: string;
}

const events = channel('filefield:delivery');
// NODE_DEBUG=filefield prints them.
const debug = debuglog('filefield');

/** Tells those who listen what has become of a download, and the client where that is wanted. */
export function explain(
  request: DownloadRequest,
  response: Download,
  told: { readonly delivery: string; readonly reason?: StreamReason; readonly name?: string },
  options: Pick<HandOverOptions, 'explain'>,
): Download {
  const { delivery, reason, name } = told;
  const outcome = reason ? 'streamed' : 'handed_over';
  if (events.hasSubscribers || debug.enabled) {
    const event: DeliveryEvent = { delivery, outcome, reason, method: request.method, url: request.url, name };
    events.publish(event);
    debug('%s %s: %s by %s %s', event.method, event.url ?? '', outcome, delivery, reason ?? '');
  }
  if (!options.explain) return response;
  const said = reason ? `streamed; reason=${reason}` : delivery;
  return { ...response, headers: { ...response.headers, 'x-filefield-delivery': said } };
}
