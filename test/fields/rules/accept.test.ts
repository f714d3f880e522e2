import { typeMatches } from '../../../src/fields/rules/accept.js';

test.each([
  ['audio/ogg; codecs=opus', ['audio/ogg'], true],
  ['audio/ogg; codecs=opus', ['audio/*'], true],
  ['audio/ogg; codecs=opus', ['video/ogg'], false],
  ['image/png', ['IMAGE/*'], true],
  ['image/png', ['Image/PNG'], true],
  ['imagery/png', ['image/*'], false],
  ['application/pdf', ['text/*', 'application/pdf'], true],
  ['text/csv; charset=utf-16', ['text/csv'], true],
  ['video/MP2P', ['video/mp2p'], true],
  ['image/png', [], false],
])('typeMatches(%s, %j) is %s', (type, patterns, expected) => {
  expect(typeMatches(type, patterns)).toBe(expected);
});
