import { memoize } from './memoize.js';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const month = months.join('|');
const time = String.raw`(\d{2}):(\d{2}):(\d{2})`;
const imf = new RegExp(`^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat), (\\d{2}) (${month}) (\\d{4}) ${time} GMT$`);
const rfc850 = new RegExp(`^(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day, (\\d{2})-(${month})-(\\d{2}) ${time} GMT$`);
const asctime = new RegExp(`^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) (${month}) ([ \\d]\\d) ${time} (\\d{4})$`);

/**
 * Parses an HTTP-date in any of its three forms (RFC 9110 section 5.6.7): whole seconds since 1970, undefined for any
 * other text. `Date.parse` is not strict enough: it accepts `0`, `2024` and ISO 8601, and reads the asctime form in the
 * local time zone.
 *
 * @param now decides the century of a two-digit year
 */
export function parseHttpDate(text: string, now: Date = new Date()): number | undefined {
  let match = imf.exec(text);
  if (match) return seconds(Number(match[3]), match[2], match[1], match.slice(4));
  match = rfc850.exec(text);
  if (match) return seconds(fullYear(Number(match[3]), now), match[2], match[1], match.slice(4));
  match = asctime.exec(text);
  if (match) return seconds(Number(match[6]), match[1], match[2], match.slice(3, 6));
  return undefined;
}

/** A two-digit year that appears to be more than 50 years in the future is in the past century. */
function fullYear(twoDigits: number, now: Date): number {
  const year = Math.floor(now.getUTCFullYear() / 100) * 100 + twoDigits;
  return year > now.getUTCFullYear() + 50 ? year - 100 : year;
}

function seconds(
  year: number,
  monthName: string | undefined,
  dayText: string | undefined,
  clock: string[],
): number | undefined {
  const [hour = NaN, minute = NaN, second = NaN] = clock.map(Number);
  const monthIndex = months.indexOf(monthName ?? '');
  const day = Number(dayText);
  // Second 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, monthIndex, day);
  if (date.getUTCMonth() !== monthIndex || date.getUTCDate() !== day) return undefined;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}

const imfDate = memoize((milliseconds: number) => new Date(milliseconds).toUTCString());

/** The text of a valid date in the years 1 to 9999 (RFC 9110 section 5.6.7). */
export function httpDate(date: Date): string {
  return imfDate(date.getTime());
}

/** Whole seconds since 1970. Dates in HTTP have no fractions of a second. */
export function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
