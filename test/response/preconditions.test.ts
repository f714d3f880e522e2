import fc from 'fast-check';
import { checkPreconditions, rangeApplies } from '../../src/response/preconditions.js';

const modified = new Date('2024-05-06T07:08:09.987Z');
const same = 'Mon, 06 May 2024 07:08:09 GMT';
const earlier = 'Mon, 06 May 2024 07:08:08 GMT';
const later = 'Mon, 06 May 2024 07:08:10 GMT';
const strong = { etag: '"v1"', modified };
const weak = { etag: 'W/"v1"', modified };
const unknown = {};

const requestWith = (headers: Record<string, string | string[]>, method = 'GET') => ({
  method,
  headers,
  params: {},
  raw: null,
});

describe('checkPreconditions', () => {
  it.each([
    // If-Match: strong comparison
    [strong, { 'if-match': '"v1"' }, 'proceed'],
    [strong, { 'if-match': '*' }, 'proceed'],
    [unknown, { 'if-match': '*' }, 'proceed'],
    [strong, { 'if-match': '"x"' }, 'failed'],
    [strong, { 'if-match': 'W/"v1"' }, 'failed'],
    [weak, { 'if-match': 'W/"v1"' }, 'failed'],
    [unknown, { 'if-match': '"v1"' }, 'failed'],
    [strong, { 'if-match': '"x",\t"v1"' }, 'proceed'],
    [strong, { 'if-match': '' }, 'failed'],
    // If-Unmodified-Since: only without If-Match
    [strong, { 'if-unmodified-since': same }, 'proceed'],
    [strong, { 'if-unmodified-since': later }, 'proceed'],
    [strong, { 'if-unmodified-since': earlier }, 'failed'],
    [strong, { 'if-unmodified-since': 'yesterday' }, 'proceed'],
    [strong, { 'if-unmodified-since': '0' }, 'proceed'],
    [unknown, { 'if-unmodified-since': earlier }, 'proceed'],
    [strong, { 'if-match': '"v1"', 'if-unmodified-since': earlier }, 'proceed'],
    // If-None-Match: weak comparison
    [strong, { 'if-none-match': '"v1"' }, 'not_modified'],
    [strong, { 'if-none-match': 'W/"v1"' }, 'not_modified'],
    [weak, { 'if-none-match': '"v1"' }, 'not_modified'],
    [strong, { 'if-none-match': '"a" \t,\t"v1"' }, 'not_modified'],
    [strong, { 'if-none-match': '"a,b", "v1"' }, 'not_modified'],
    [strong, { 'if-none-match': ['"a"', '"v1"'] }, 'not_modified'],
    [unknown, { 'if-none-match': '*' }, 'not_modified'],
    [strong, { 'if-none-match': '"v"' }, 'proceed'],
    [strong, { 'if-none-match': 'v1' }, 'proceed'],
    // If-Modified-Since: only without If-None-Match
    [strong, { 'if-modified-since': same }, 'not_modified'],
    [strong, { 'if-modified-since': later }, 'not_modified'],
    [strong, { 'if-modified-since': earlier }, 'proceed'],
    [strong, { 'if-modified-since': '2050' }, 'proceed'],
    [unknown, { 'if-modified-since': later }, 'proceed'],
    [strong, { 'if-none-match': '"x"', 'if-modified-since': later }, 'proceed'],
    [strong, { 'if-none-match': '"v1"', 'if-modified-since': earlier }, 'not_modified'],
    // order
    [strong, { 'if-match': '"x"', 'if-none-match': '"v1"' }, 'failed'],
    [strong, { 'if-match': '"v1"', 'if-none-match': '"v1"' }, 'not_modified'],
    [strong, { 'if-unmodified-since': earlier, 'if-none-match': '"v1"' }, 'failed'],
  ])('evaluates the validators %j with %j as %s', (validators, headers, verdict) => {
    expect(checkPreconditions(requestWith(headers as Record<string, string>), validators)).toBe(verdict);
    expect(checkPreconditions(requestWith(headers as Record<string, string>, 'HEAD'), validators)).toBe(verdict);
  });

  it('fails for other methods where GET would get 304, and ignores their If-Modified-Since', () => {
    expect(checkPreconditions(requestWith({ 'if-none-match': '"v1"' }, 'DELETE'), strong)).toBe('failed');
    expect(checkPreconditions(requestWith({ 'if-modified-since': later }, 'DELETE'), strong)).toBe('proceed');
  });

  it('never throws', () => {
    const names = fc.constantFrom('if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range');
    fc.assert(
      fc.property(fc.dictionary(names, fc.string()), fc.string(), (headers, etag) => {
        checkPreconditions(requestWith(headers), { etag, modified });
        rangeApplies(requestWith(headers), { etag, modified });
      }),
    );
  });
});

describe('rangeApplies', () => {
  it.each([
    [strong, undefined, true],
    [strong, '"v1"', true],
    [strong, '"x"', false],
    [strong, 'W/"v1"', false],
    [weak, 'W/"v1"', false],
    [weak, '"v1"', false],
    [strong, '"x", "v1"', false],
    [strong, '*', false],
    [strong, '"v1"x', false],
    [strong, same, true],
    [strong, 'Monday, 06-May-24 07:08:09 GMT', true],
    [strong, 'Mon May  6 07:08:09 2024', true],
    [strong, earlier, false],
    [strong, later, false],
    [strong, 'nonsense', false],
    [unknown, same, false],
    [unknown, '"v1"', false],
  ])('evaluates the validators %j with If-Range %j as %s', (validators, ifRange, applies) => {
    expect(rangeApplies(requestWith(ifRange === undefined ? {} : { 'if-range': ifRange }), validators)).toBe(applies);
  });

  it('accepts a date only after its second has passed', () => {
    const request = requestWith({ 'if-range': same });
    expect(rangeApplies(request, strong, new Date('2024-05-06T07:08:09.999Z'))).toBe(false);
    expect(rangeApplies(request, strong, new Date('2024-05-06T07:08:10.000Z'))).toBe(true);
  });
});
