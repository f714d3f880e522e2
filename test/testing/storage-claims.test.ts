import type { Storage } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { storageContract } from 'filefield/testing';

const times = 'returns the same modification time from stat and read, or none, and no other from write';
const signing = 'returns a signedUrl at which the bytes are, with the type and disposition that were asked for';

type Write = Parameters<Storage['write']>;

class AnotherTimeFromWrite extends MemoryStorage {
  override async write(...given: Write) {
    return { ...(await super.write(...given)), modified: new Date(0) };
  }
}

class NoTimeFromWrite extends MemoryStorage {
  override async write(...given: Write) {
    return { size: (await super.write(...given)).size };
  }
}

class AnotherTimeFromStat extends NoTimeFromWrite {
  override async stat(key: string) {
    const info = await super.stat(key);
    return info && { ...info, modified: new Date(Date.now() + 5_000) };
  }
}

const expiring = 'returns a signedUrl that does not work for another object, nor after it has expired';

const signs = (url: string) => () => Object.assign(new MemoryStorage(), { signedUrl: async () => url });

describe('storageContract', () => {
  it.each<[string, string[], () => Storage]>([
    ['another modification time from write', [times], () => new AnotherTimeFromWrite()],
    ['another modification time from stat', [times], () => new AnotherTimeFromStat()],
    ['no modification time from write', [], () => new NoTimeFromWrite()],
    ['a signed URL of other headers', [signing, expiring], signs('data:text/html,x')],
    ['a signed URL at which nothing is', [signing, expiring], signs('http://127.0.0.1:1/')],
  ])('judges a storage that returns %s', async (_what, expected, make) => {
    const broken: string[] = [];
    for (const { title, run } of storageContract(make)) await run().catch(() => broken.push(title));
    expect(broken).toEqual(expected);
  });
});
