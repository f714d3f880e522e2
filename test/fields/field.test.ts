import { isFileFieldError, StorageRegistry } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { checkField, checkValue, type FileField } from '../../src/fields/field.js';
import type { FileFieldOptions } from '../../src/fields/field-options.js';
import { knownTypes } from '../../src/fields/types/known.js';
import { StoredFile } from '../../src/file/stored-file.js';
import { filesFor, Letter } from '../support/fields.js';

const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex');

/** The code and rule of the error that a value gets from a field; undefined if the field takes it. */
function refusalOf(value: unknown, options: Partial<FileFieldOptions>): string | undefined {
  try {
    checkValue(value, { storage: 'letters', ...options });
    return undefined;
  } catch (error) {
    if (!isFileFieldError(error)) throw error;
    return `${error.code} ${error.context.rule ?? ''}`.trim();
  }
}

describe('a file that was staged for another field of the same storage', () => {
  let file: StoredFile;
  let image: StoredFile;
  beforeAll(async () => {
    const { files } = filesFor();
    file = await files.stage(Letter, 'file', '<html><script>alert(1)</script></html>', { name: 'page.html' });
    image = await files.stage(Letter, 'file', png, { name: 'dot.png' });
  });

  it.each<[string, Partial<FileFieldOptions>, string]>([
    ['accepts only images', { accept: ['image/*'] }, 'wrong_type accept'],
    ['accepts at most 10 bytes', { maxSize: 10 }, 'too_large maxSize'],
    ['accepts only .png', { extensions: ['.png'] }, 'wrong_type extensions'],
    ['has a check of its own', { check: () => undefined }, 'invalid_value'],
    ['names another storage', { storage: 'photos' }, 'invalid_value'],
  ])('is refused by a field that %s', (_title, options, refusal) => {
    expect(refusalOf(file, options)).toBe(refusal);
  });

  it('is taken by a field whose rules accept it', () => {
    expect(refusalOf(image, { accept: ['image/png'], maxSize: '1 KB', extensions: ['.png'] })).toBeUndefined();
  });

  it('is not judged again by the field that it was staged for', () => {
    const options = { storage: 'letters', maxSize: 10 };
    const own = StoredFile.of(file.toDescriptor(), { storages: new StorageRegistry({}), acceptedBy: options });
    expect(checkValue(own, options)).toBe(own);
  });
});

describe('a value that is not a stored file', () => {
  it.each<[string, unknown, string]>([
    ['text', 'letter.txt', 'a string'],
    ['an object', { id: '1', key: 'a/b' }, 'an object'],
    ['a promise', Promise.resolve(null), 'a promise that was not awaited'],
  ])('is refused by a field, which says that it is %s', (_kind, value, what) => {
    expect(() => checkValue(value, { storage: 'letters' })).toThrow(
      expect.objectContaining({
        code: 'invalid_value',
        message: expect.stringMatching(`^A file field was given ${what};`) as string,
      }) as Error,
    );
  });
});

describe('a field without a file', () => {
  it.each([null, undefined])('has null, also when it is given %s', (value) => {
    expect(checkValue(value, { storage: 'letters' })).toBeNull();
  });
});

describe('checkField', () => {
  const storages = new StorageRegistry({ letters: new MemoryStorage() });
  const field = (options: object): FileField => ({
    entity: 'Letter',
    property: 'file',
    options: { storage: 'letters', ...options },
    reference: { table: 'letter', column: 'file', owner: 'letter', slot: 'file' },
  });

  it.each<[string, object, RegExp]>([
    [
      'a pattern that can match nothing',
      { accept: ['*/*'] },
      /Letter\.file: .*"accept".*"\*\/\*"; write "image\/png" or/,
    ],
    ['a type without a subtype', { accept: ['image'] }, /"accept".*"image"/],
    [
      'scripts, which no upload is',
      { accept: ['text/javascript'] },
      /"text\/javascript", which no upload gets; write "text\/plain"/,
    ],
    ['a type under another name', { accept: ['image/jpg'] }, /"image\/jpg", which no upload gets; write "image\/jpeg"/],
    [
      'a type that nothing recognises',
      { accept: ['application/x-unknown'] },
      /"application\/x-unknown", which no upload gets/,
    ],
    ['a family without a known type', { accept: ['message/*'] }, /"message\/\*", which no upload gets/],
    ['no type at all', { accept: [] }, /"accept" is an empty list; leave it out to accept every type/],
    ['no extension at all', { extensions: [] }, /"extensions" is an empty list/],
    ['an answer that is neither yes nor no', { allowEmpty: 'no' }, /"allowEmpty".* true or false/],
    ['an extension without a dot', { extensions: ['pdf'] }, /"extensions".*"pdf"/],
    ['a negative size', { maxSize: -5 }, /"maxSize" must be a size/],
    ['a check that is not a function', { check: 'yes' }, /"check".*must be a function/],
    [
      'a storage that is not registered',
      { storage: 'photos' },
      /"photos", which is not registered; the registry has: letters/,
    ],
  ])('refuses %s', (_title, options, message) => {
    const refusal = { code: 'invalid_option', message: expect.stringMatching(message) as string };
    expect(() => checkField(field(options), storages)).toThrow(
      expect.objectContaining({ ...refusal, context: expect.objectContaining({ field: 'file' }) as object }) as Error,
    );
  });

  it('says that the registry has no storages where it has none', () => {
    expect(() => checkField(field({}), new StorageRegistry({}))).toThrow('the registry has: none.');
  });

  it('takes every type that an upload can get, in any case, and every family of them', () => {
    const types = [...knownTypes];
    const families = ['application/*', 'audio/*', 'font/*', 'image/*', 'model/*', 'text/*', 'VIDEO/*'];
    const accept = [...types, ...types.map((type) => type.toUpperCase()), ...families];
    expect(() => checkField(field({ accept }), storages)).not.toThrow();
  });
});
