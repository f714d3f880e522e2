import { StorageRegistry } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';

describe('StorageRegistry', () => {
  const documents = new MemoryStorage();

  it('finds a storage by its name and by its former names, and lists only the present ones', () => {
    const storages = new StorageRegistry({ documents }, { aliases: { uploads: 'documents', files: 'documents' } });
    expect(storages.resolve('uploads')).toBe(documents);
    expect(storages.resolve('files')).toBe(documents);
    expect([storages.has('documents'), storages.has('uploads'), storages.has('other')]).toEqual([true, true, false]);
    expect(storages.names).toEqual(['documents']);
    expect(storages.everyName).toEqual(['documents', 'uploads', 'files']);
    expect(() => storages.resolve('other')).toThrow(
      'No storage is registered as "other"; the registry has: documents.',
    );
  });

  it('has a Cache-Control for each storage, by former names too', () => {
    const options = { aliases: { uploads: 'documents' }, cacheControl: { documents: 'immutable' } } as const;
    const storages = new StorageRegistry({ documents, others: documents }, options);
    expect(storages.cacheControl('documents')).toBe('immutable');
    expect(storages.cacheControl('uploads')).toBe('immutable');
    expect(storages.cacheControl('others')).toBeUndefined();
  });

  it('refuses names, aliases and options that cannot be meant', () => {
    const refuses = (make: () => unknown, sentence: string) => {
      expect(make).toThrow(sentence);
      expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    };
    refuses(() => new StorageRegistry({ 'a b': documents }), 'A storage cannot be named "a b"');
    refuses(() => new StorageRegistry({ documents: {} as MemoryStorage }), 'must be an object with the methods write');
    // @ts-expect-error: no such storage
    refuses(() => new StorageRegistry({ documents }, { aliases: { uploads: 'docs' } }), 'registered as "docs"');
    refuses(
      () => new StorageRegistry({ documents, uploads: documents }, { aliases: { uploads: 'documents' } }),
      '"uploads" is the name of a storage',
    );
    refuses(() => new StorageRegistry({ documents }, { aliases: { 'a/b': 'documents' } }), 'cannot be named "a/b"');
    // @ts-expect-error: no such storage
    refuses(() => new StorageRegistry({ documents }, { cacheControl: { docs: 'private' } }), 'registered as "docs"');
  });
});
