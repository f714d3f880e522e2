import { byteSize, duration, invalidOption, type ByteSize, type Duration } from '../../options.js';
import type { DownloadRequest } from '../../response/request.js';
import type { HandOverSettings } from '../hand-over.js';

/** Settings of nginx for single downloads, handed over or streamed; clients do not see them. */
export interface AccelOptions {
  /**
   * Whether nginx reads ahead of a slow client. With true it takes a streamed file from this process at full speed and keeps
   * it in memory or in a temporary file; with false it reads at the speed of the client.
   * @default the configuration of nginx
   */
  readonly buffering?: boolean;
  /**
   * The most that one download may transfer per second, at least 1 byte; false for no limit. May be a function of the
   * request; undefined then leaves it to the configuration.
   * @default the configuration of nginx
   */
  readonly limitRate?: ByteSize | false | ((request: DownloadRequest) => ByteSize | false | undefined);
  /**
   * The charset of text whose view names none, if the location of nginx has a `charset`; nginx must know it. False sends
   * nothing, so the configuration decides.
   * @default the configuration of nginx
   */
  readonly charset?: string | false;
  /**
   * How long the cache of nginx may keep a streamed response: a duration, a date, or false for never. Files that are handed
   * over are never cached. WARNING: the cache answers later clients without asking this application who they are.
   * @default the configuration of nginx
   */
  readonly expires?: Duration | Date | false;
}

// Types that have a charset.
const textual = /^text\/|^application\/(?:[\w.-]+\+)?(?:javascript|json|xml)\b/i;

/** Returns the X-Accel headers for a download. Throws `invalid_option` for values that nginx would ignore. */
export function accelHeaders({
  buffering,
  limitRate,
  charset,
  expires,
}: AccelOptions): NonNullable<HandOverSettings['headers']> {
  const fixed: Record<string, string> = {};
  if (buffering !== undefined) fixed['x-accel-buffering'] = buffering ? 'yes' : 'no';
  if (expires !== undefined) fixed['x-accel-expires'] = expiryOf(expires);
  if (limitRate !== undefined && typeof limitRate !== 'function') fixed['x-accel-limit-rate'] = rateOf(limitRate);
  // nginx has no value for "off" here and logs an error for any charset that it does not know.
  const text = charset !== undefined && charset !== false ? { ...fixed, 'x-accel-charset': charsetOf(charset) } : fixed;
  return (request, { headers }) => {
    const given = textual.test(headers['content-type'] ?? '') ? text : fixed;
    const rate = typeof limitRate === 'function' ? limitRate(request) : undefined;
    return rate === undefined ? given : { ...given, 'x-accel-limit-rate': rateOf(rate) };
  };
}

/** Bytes per second. nginx takes 0 for "no limit", so a rate that was calculated as 0 is an error. */
function rateOf(rate: ByteSize | false): string {
  return rate === false ? 'off' : String(byteSize('limitRate', rate, { from: 1 }));
}

function charsetOf(charset: string): string {
  if (/^[a-z0-9][a-z0-9._:-]*$/i.test(charset)) return charset;
  throw invalidOption('The option "charset" must be the name of a charset, such as "utf-8".');
}

/** Seconds from now, or `@` and seconds since 1970. 0, and a time in the past, mean that nothing is cached. */
function expiryOf(expires: Duration | Date | false): string {
  if (expires === false) return 'off';
  if (!(expires instanceof Date)) return String(Math.floor(duration('expires', expires) / 1000));
  if (Number.isNaN(expires.getTime())) throw invalidOption('The option "expires" is an invalid date.');
  return `@${Math.max(0, Math.floor(expires.getTime() / 1000))}`;
}
