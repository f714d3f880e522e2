import { FileFieldError } from '../../errors.js';
import { duration, type Duration } from '../../options.js';
import type { DownloadRequest } from '../../response/request.js';

/**
 * What a view may tell nginx of its downloads, handed over or streamed. Whatever is left out is as nginx is configured.
 * None of it reaches a client.
 */
export interface AccelOptions {
  /**
   * Whether nginx reads ahead of a slow client: true takes a streamed file off this process at once and keeps it in memory
   * or a temporary file, false goes at the client's pace.
   * @default as configured
   */
  readonly buffering?: boolean;
  /**
   * Bytes a second for one download; false for no limit, whatever is configured. May be a function of the request.
   * @default as configured
   */
  readonly limitRate?: number | false | ((request: DownloadRequest) => number | false | undefined);
  /**
   * The charset of a text whose view names none, where nginx's location has a `charset`; nginx must know it. False says
   * nothing of it.
   * @default as configured
   */
  readonly charset?: string | false;
  /**
   * How long nginx's cache may keep what is streamed through it: a duration, a date, or false for never. Files that are
   * handed over are not kept in any case. WARNING: whoever asks next gets the same file without being asked who they are.
   * @default as configured
   */
  readonly expires?: Duration | Date | false;
}

/** The X-Accel headers for these options. Throws `invalid_option` at start-up for values that nginx would not understand. */
export function accelHeaders({
  buffering,
  limitRate,
  charset,
  expires,
}: AccelOptions): (request: DownloadRequest) => Readonly<Record<string, string>> {
  const fixed: Record<string, string> = {};
  if (buffering !== undefined) fixed['x-accel-buffering'] = buffering ? 'yes' : 'no';
  // There is no word for "none": nginx would complain of each in its log.
  if (charset !== undefined && charset !== false) fixed['x-accel-charset'] = charsetOf(charset);
  if (expires !== undefined) fixed['x-accel-expires'] = expiryOf(expires);
  if (limitRate === undefined) return () => fixed;
  if (typeof limitRate !== 'function') {
    const headers = { ...fixed, 'x-accel-limit-rate': rateOf(limitRate) };
    return () => headers;
  }
  return (request) => {
    const rate = limitRate(request);
    return rate === undefined ? fixed : { ...fixed, 'x-accel-limit-rate': rateOf(rate) };
  };
}

function rateOf(rate: number | false): string {
  if (rate === false) return 'off';
  // nginx takes 0 for no limit at all, which is hardly what a calculated 0 means.
  if (Number.isSafeInteger(rate) && rate > 0) return String(rate);
  throw invalid(`The option "limitRate" is ${rate}; give whole bytes a second above 0, or false for no limit.`);
}

function charsetOf(charset: string): string {
  if (/^[a-z0-9][a-z0-9._:-]*$/i.test(charset)) return charset;
  throw invalid(`The option "charset" is not the name of a charset, such as "utf-8".`);
}

/** Seconds, or `@` and the seconds since 1970; 0 and what is past keep nothing. */
function expiryOf(expires: Duration | Date | false): string {
  if (expires === false) return 'off';
  if (!(expires instanceof Date)) return String(Math.floor(duration('expires', expires) / 1000));
  if (Number.isNaN(expires.getTime())) throw invalid('The option "expires" is an invalid date.');
  return `@${Math.max(0, Math.floor(expires.getTime() / 1000))}`;
}

function invalid(message: string): FileFieldError {
  return new FileFieldError('invalid_option', message);
}
