import { acceptedEncodings } from '../../src/http/encoding.js';

describe('acceptedEncodings', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['gzip', ['gzip']],
    ['gzip, deflate, br, zstd', ['br', 'gzip', 'zstd']],
    ['GZIP', ['gzip']],
    ['x-gzip', ['gzip']],
    ['xgzip', []],
    ['gzip2, pbr', []],
    ['gzip;q=1.0, br;q=0', ['gzip']],
    ['br;q=0, gzip;q=0', []],
    ['br;q=0.2, gzip;q=0.8', ['gzip', 'br']],
    ['gzip ; q=0.5 ,\tbr\t;\tQ=0.6', ['br', 'gzip']],
    [',, gzip ,', ['gzip']],
    ['*', ['br', 'gzip', 'zstd']],
    ['*;q=0', []],
    ['*;q=0.5, gzip', ['gzip', 'br', 'zstd']],
    ['*, br;q=0', ['gzip', 'zstd']],
    ['identity', []],
    ['identity, gzip', ['gzip']],
    ['gzip;q=0.5, identity', []],
    ['gzip;q=0.001, identity;q=1', []],
    ['gzip;q=0.001', ['gzip']],
    ['identity;q=0', []],
    ['identity;q=0, gzip;q=0.1', ['gzip']],
    ['identity;q=0.5, *;q=0.1', []],
  ])('accepts for %j of br, gzip and zstd: %j', (header, accepted) => {
    expect(acceptedEncodings(header, ['br', 'gzip', 'zstd'])).toEqual(accepted);
  });

  it.each([
    'gzip;q=2',
    'gzip;q=1.001',
    'gzip;q=0.0001',
    'gzip;q=-1',
    'gzip;q=',
    'gzip;level=1',
    'gzip br',
    'gz/ip',
    '"gzip"',
  ])('ignores the whole header %j because of its syntax', (header) => {
    expect(acceptedEncodings(header, ['gzip'])).toEqual([]);
    expect(acceptedEncodings(`gzip, ${header}`, ['gzip'])).toEqual([]);
  });

  it('keeps the offered order when weights are equal', () => {
    expect(acceptedEncodings('br, gzip, zstd', ['zstd', 'gzip', 'br'])).toEqual(['zstd', 'gzip', 'br']);
  });
});
