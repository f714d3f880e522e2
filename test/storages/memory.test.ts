import { MemoryStorage } from 'filefield/storages/memory';
import { FailingStorage, storageContract } from 'filefield/testing';

describe('MemoryStorage', () => {
  for (const claim of storageContract(() => new MemoryStorage())) it(claim.title, claim.run);

  describe('behind a FailingStorage without faults', () => {
    for (const claim of storageContract(() => new FailingStorage(new MemoryStorage()))) it(claim.title, claim.run);
  });

  it('has its keys in the order in which they were written', async () => {
    const storage = new MemoryStorage();
    for (const key of ['b', 'a']) await storage.write(key, (async function* () {})());
    expect(storage.keys).toEqual(['b', 'a']);
  });

  it('says that its objects are lost with the process', () => {
    expect(new MemoryStorage().volatile).toBe(true);
  });
});
