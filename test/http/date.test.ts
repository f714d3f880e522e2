import fc from 'fast-check';
import { parseHttpDate, toSeconds } from '../../src/http/date.js';

const time = Date.UTC(1994, 10, 6, 8, 49, 37) / 1000;
const now = new Date('2026-01-01T00:00:00Z');

describe('parseHttpDate', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'parses %j, one of the three forms',
    (text) => expect(parseHttpDate(text, now)).toBe(time),
  );

  it('reads the asctime form as UTC in any local time zone', () => {
    expect(parseHttpDate('Mon May 16 07:08:09 2024')).toBe(Date.UTC(2024, 4, 16, 7, 8, 9) / 1000);
  });

  it('moves a two-digit year more than 50 years ahead to the past century', () => {
    expect(parseHttpDate('Friday, 01-Jan-77 00:00:00 GMT', now)).toBe(Date.UTC(1977, 0, 1) / 1000);
    expect(parseHttpDate('Friday, 01-Jan-76 00:00:00 GMT', now)).toBe(Date.UTC(2076, 0, 1) / 1000);
    expect(parseHttpDate('Friday, 01-Jan-26 00:00:00 GMT', now)).toBe(Date.UTC(2026, 0, 1) / 1000);
  });

  it('accepts leap days and leap seconds', () => {
    expect(parseHttpDate('Thu, 29 Feb 2024 00:00:00 GMT')).toBe(Date.UTC(2024, 1, 29) / 1000);
    expect(parseHttpDate('Wed, 29 Feb 2023 00:00:00 GMT')).toBeUndefined();
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).toBe(Date.UTC(2017, 0, 1) / 1000);
  });

  it.each([
    '',
    '0',
    '2024',
    '1715000000',
    '2024-05-06T07:08:09Z',
    '2024-05-06',
    'Mon, 06 May 2024 07:08:09 +0000',
    'Mon, 06 May 2024 07:08:09 UTC',
    'Mon, 06 May 2024 07:08:09',
    'Mon, 6 May 2024 07:08:09 GMT',
    'mon, 06 may 2024 07:08:09 gmt',
    'Mon, 06 May 2024 24:00:00 GMT',
    'Mon, 06 May 2024 07:60:00 GMT',
    'Mon, 31 Apr 2024 07:08:09 GMT',
    'Mon, 00 May 2024 07:08:09 GMT',
    'Mon, 06 Mai 2024 07:08:09 GMT',
    ' Mon, 06 May 2024 07:08:09 GMT',
    'Mon, 06 May 2024 07:08:09 GMT\n',
    'tomorrow',
  ])('returns undefined for %j', (text) => expect(parseHttpDate(text)).toBeUndefined());

  it('parses what toUTCString writes, to the second', () => {
    const years = { min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true };
    fc.assert(fc.property(fc.date(years), (date) => parseHttpDate(date.toUTCString()) === toSeconds(date)));
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseHttpDate(text) === undefined));
  });
});
