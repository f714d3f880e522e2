import { StoredFile } from 'filefield';
import { parseDescriptor } from '../../src/file/descriptor.js';

const descriptor = {
  v: 1,
  id: 'b0a7f7a4-6d0e-4c34-9a52-0c6c3d0f7f11',
  storage: 'documents',
  key: '2026/11/22/0123456789abcdef0123456789abcdef',
  name: 'Bericht.pdf',
  size: 5,
  type: 'application/pdf',
  sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
  crc32: '3610a686',
  modified: '2026-11-22T07:08:09.123Z',
};
const required = ['v', 'id', 'storage', 'key', 'name', 'size', 'type', 'modified'];

describe('parseDescriptor', () => {
  it.each([
    ['all members that staging writes', descriptor],
    ['width and height', { ...descriptor, width: 1, height: 20_000 }],
    ['no hashes', { ...descriptor, sha256: undefined, crc32: undefined }],
    ['an empty file', { ...descriptor, size: 0 }],
    ['an id of another form', { ...descriptor, id: 'row-7_A' }],
    ['a time without milliseconds', { ...descriptor, modified: '2026-11-22T07:08:09Z' }],
    ['any encryption', { ...descriptor, encryption: null }],
  ])('reads %s, from text and from an object', (_what, value) => {
    const read = JSON.parse(JSON.stringify(value)) as object;
    expect(parseDescriptor(value)).toEqual(read);
    expect(parseDescriptor(JSON.stringify(value))).toEqual(read);
  });

  it.each([...required.map((name) => [name, undefined] as const), ...required.map((name) => [name, null] as const)])(
    'refuses a descriptor whose "%s" is %j',
    (name, value) => expectRefusal({ ...descriptor, [name]: value }, `its "${name}" is`),
  );

  it.each([
    ['v', [2, '1', 0]],
    ['id', ['', 'x'.repeat(37), 'a b', 'a"b', 'ü', 7]],
    ['storage', ['', 1, {}]],
    ['key', ['', '../secret', '/etc/passwd', 'a//b', '.hidden', 'a\\b', 'x'.repeat(513), '\ud800', 7]],
    ['name', ['', 5, ['a']]],
    ['size', [-1, 1.5, '5', 2 ** 53, true]],
    ['type', ['', 5]],
    ['sha256', ['', null, 'ab', descriptor.sha256.toUpperCase(), `${descriptor.sha256}00`, 'g'.repeat(64), 5]],
    ['crc32', ['', null, '3610a68', '3610A686', 907060870]],
    ['modified', ['', 'yesterday', '2026-11-22', '2026-11-22T07:08:09+01:00', '2026-13-40T00:00:00Z', 1763795289]],
    ['width', [0, -1, 1.5, '10', null]],
    ['height', [0, -1, 1.5, '10', null]],
  ])('refuses a malformed "%s"', (name, values) => {
    for (const value of values) expectRefusal({ ...descriptor, [name]: value }, `its "${name}" is`);
  });

  it.each([['not JSON'], ['"text"'], ['null'], ['7'], ['[]'], [''], [7], [true]])('refuses %j', (value) => {
    expectRefusal(value, 'cannot be read');
  });

  it('does not show the text of a member in its message', () => {
    expectRefusal({ ...descriptor, key: '../secret' }, 'its "key" is a text of 9 characters, not a storage key');
  });

  it('keeps members that it does not know, at any depth, in an order of its own', () => {
    const other = { scan: { at: 'today', clean: true }, a: [{ z: 1, y: [2] }], crop: null };
    const one = parseDescriptor({ ...other, ...descriptor, width: 3 });
    expect(one).toEqual({ ...descriptor, width: 3, ...other });
    // jsonb returns short names first.
    const returned = Object.fromEntries(
      Object.entries(one).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)),
    );
    const other2 = { ...returned, scan: { clean: true, at: 'today' }, a: [{ y: [2], z: 1 }] };
    expect(JSON.stringify(parseDescriptor(other2))).toBe(JSON.stringify(one));
    expect(JSON.stringify(parseDescriptor(JSON.stringify(other2)))).toBe(JSON.stringify(one));
  });

  it('keeps a member called __proto__ as data', () => {
    const text = `${JSON.stringify(descriptor).slice(0, -1)},"__proto__":{"polluted":true}}`;
    const parsed = parseDescriptor(text);
    expect(JSON.stringify(parsed)).toBe(text);
    expect((parsed as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('returns what a stored file was made of', () => {
    const whole = parseDescriptor({ ...descriptor, height: 2, encryption: { by: 'x', a: 1 }, later: [1] });
    const file = StoredFile.parse(JSON.stringify(whole))!;
    expect(JSON.stringify(file.toDescriptor())).toBe(JSON.stringify(whole));
    expect(JSON.stringify(StoredFile.parse(file.toDescriptor())!.toDescriptor())).toBe(JSON.stringify(whole));
  });
});

function expectRefusal(value: unknown, message: string): void {
  const error = (() => {
    try {
      return parseDescriptor(value);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect({ value, error }).toMatchObject({ value, error: { code: 'invalid_descriptor' } });
  expect(String(error)).toContain(message);
}
