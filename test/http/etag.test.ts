import fc from 'fast-check';
import { parseTag, parseTags, sameStrongly, sameWeakly, weakTag } from '../../src/http/etag.js';

const strong = (opaque: string) => ({ weak: false, opaque });
const weak = (opaque: string) => ({ weak: true, opaque });

describe('parseTags', () => {
  it.each([
    ['"a"', [strong('"a"')]],
    ['W/"a"', [weak('"a"')]],
    ['"a","b"', [strong('"a"'), strong('"b"')]],
    ['"a"\t,\t"b"', [strong('"a"'), strong('"b"')]],
    [' "a" ,, W/"b" , ', [strong('"a"'), weak('"b"')]],
    ['"a,b", "c"', [strong('"a,b"'), strong('"c"')]],
    ['""', [strong('""')]],
    ['"a\u00e9"', [strong('"a\u00e9"')]],
    ['"a\\"', [strong('"a\\"')]],
  ])('parses the list %j', (text, tags) => expect(parseTags(text)).toEqual(tags));

  it.each([' * ', '*'])('parses %j as *', (text) => expect(parseTags(text)).toBe('*'));

  it.each(['', 'a', 'w/"a"', 'W/ "a"', '"a', 'a"', '"a b"', "'a'", 'W/a', '*,"a"'])('returns no tag for %j', (text) =>
    expect(parseTags(text)).toEqual([]),
  );

  it('keeps the tags before a syntax error', () => {
    expect(parseTags('"a", b, "c"')).toEqual([strong('"a"')]);
    expect(parseTags('"a" "b"')).toEqual([]);
  });

  it('parses a long list in linear time', () => {
    const start = performance.now();
    parseTags('\t ,'.repeat(100_000) + 'x');
    parseTags('"a",'.repeat(100_000));
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('never throws, and parses every valid list of tags', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseTags(text)) || parseTags(text) === '*'));
    const opaque = fc.stringMatching(/^[\u0021\u0023-\u007e]*$/).map((text) => `"${text}"`);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), opaque)), (list) => {
        const text = list.map(([isWeak, tag]) => (isWeak ? 'W/' : '') + tag).join(' ,\t');
        expect(parseTags(text)).toEqual(list.map(([isWeak, tag]) => ({ weak: isWeak, opaque: tag })));
      }),
    );
  });
});

describe('parseTag', () => {
  it.each(['"a", "b"', '*', '', ' "a"', 'a', '"a"x'])('returns undefined for %j', (text) =>
    expect(parseTag(text)).toBeUndefined(),
  );
  it('parses one tag', () => {
    expect(parseTag('W/"a"')).toEqual(weak('"a"'));
    expect(parseTag('"a"')).toEqual(strong('"a"'));
  });
});

describe('sameStrongly and sameWeakly', () => {
  // The table of RFC 9110 section 8.8.3.2.
  it.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ])('compare %s with %s: strongly %s, weakly %s', (a, b, strongly, weakly) => {
    expect(sameStrongly(parseTag(a)!, parseTag(b)!)).toBe(strongly);
    expect(sameWeakly(parseTag(a)!, parseTag(b)!)).toBe(weakly);
  });

  it('parses the tag that weakTag makes of size and time', () => {
    expect(weakTag(11, new Date(0x18f4ca15b23))).toBe('W/"b-18f4ca15b23"');
    expect(parseTag(weakTag(5 * 1024 ** 3, new Date(-5)))?.weak).toBe(true);
  });
});
