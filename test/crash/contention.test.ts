import { setTimeout as delay } from 'node:timers/promises';
import { isFileFieldError } from 'filefield';
import { onDatabases } from '../support/databases.js';
import { expectConsistent, openSite, storedKeys, type Site } from './matrix.js';
import { Document, type TypeormApplication } from './process/typeorm.js';

/** Pseudo-random numbers from 0 to 1, the same in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

await onDatabases(['postgres', 'mariadb'], 'concurrent transactions on %s', (database) => {
  let site: Site<TypeormApplication>;
  let app: TypeormApplication;
  beforeAll(async () => {
    site = await openSite('typeorm', database, { lease: 500, poolSize: 30 });
    app = site.app;
  });
  afterAll(() => site?.close());
  afterEach(() => expectConsistent(site));

  const replace = (slug: string, file: Awaited<ReturnType<typeof app.stage>>, fail = false) =>
    app.dataSource.transaction(async (manager) => {
      const row = await manager.findOneByOrFail(Document, { slug });
      await manager.save(Document, { ...row, file });
      if (fail) throw new Error('rolled back');
    });

  it("keeps only the row's file after eight writers, two sweepers, rollbacks and leases that end", async () => {
    await app.insert('contended', await app.stage('first'));
    let running = true;
    let expired = 0;
    const unexpected: unknown[] = [];
    const writer = async (number: number) => {
      const random = seededRandom(number + 1);
      for (let turn = 0; turn < 20; turn += 1) {
        const file = await app.stage(`writer ${number} turn ${turn}`);
        // As if the writer had been slow: a sweep may delete the file from now on, and now and then it surely does.
        if (random() < 0.3) {
          await app.files.discard(file);
          if (random() < 0.3) await app.files.sweep();
        }
        await replace('contended', file, random() < 0.2).catch((error: unknown) => {
          if (isFileFieldError(error, 'staged_expired')) expired += 1;
          else if (!/rolled back|Deadlock/.test(String(error))) unexpected.push(error);
        });
      }
    };
    const sweeper = async () => {
      while (running) await app.files.sweep({ batch: 10 });
    };
    const sweepers = [sweeper(), sweeper()];
    await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
    running = false;
    await Promise.all(sweepers);
    expect(unexpected).toEqual([]);
    expect(expired).toBeGreaterThan(0);
    await expectConsistent(site);
    const live = await app.query(`SELECT id FROM file_ledger`);
    expect(live).toEqual([{ id: (await app.rows()).get('contended')?.id }]);
  });

  it("keeps only the row's file after ten replacements at once", async () => {
    await app.insert('ten', await app.stage('ten'));
    const files = await app.files.stageAll(
      Document,
      'file',
      Array.from({ length: 10 }, (_, index) => `ten ${index}`),
    );
    await Promise.all(files.map((file) => replace('ten', file)));
    expect(files.map((file) => file.id)).toContain((await app.rows()).get('ten')?.id);
  });

  it('keeps neither row nor file when a replacement waits for a delete that is committed', async () => {
    await app.insert('deleted', await app.stage('old'));
    const file = await app.stage('too late');
    const runner = app.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.manager.remove(Document, await runner.manager.findOneByOrFail(Document, { slug: 'deleted' }));
    const losing = replace('deleted', file).catch((error: unknown) => error);
    await delay(200);
    await runner.commitTransaction();
    await runner.release();
    await losing;
    await expectConsistent(site);
    expect((await app.rows()).has('deleted')).toBe(false);
  });

  it('keeps the file of an independent transaction that ran inside one that is rolled back', async () => {
    const [outer, inner] = await app.files.stageAll(Document, 'file', ['outer', 'inner']);
    const work = app.dataSource.transaction(async (manager) => {
      await manager.save(Document, { slug: 'required', file: outer! });
      // As with REQUIRES_NEW: on another connection, which commits by itself.
      await app.insert('requires new', inner!);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    await expectConsistent(site);
    const rows = await app.rows();
    expect(rows.has('required')).toBe(false);
    expect(await rows.get('requires new')?.text()).toBe('inner');
  });

  it('releases the new file when a delete waits for a replacement that is committed', async () => {
    await app.insert('replaced', await app.stage('old'));
    const file = await app.stage('new');
    const runner = app.dataSource.createQueryRunner();
    await runner.startTransaction();
    const row = await runner.manager.findOneByOrFail(Document, { slug: 'replaced' });
    await runner.manager.save(Document, { ...row, file });
    const deleting = app.remove('replaced');
    await delay(200);
    await runner.commitTransaction();
    await runner.release();
    await deleting;
  });
});

describe('a download that runs while its row is deleted', () => {
  it('gets all bytes within the grace, after which a sweep deletes them', async () => {
    const site = await openSite('typeorm', 'sqlite', { grace: 1000 });
    const { app } = site;
    await app.insert('download', await app.stage('x'.repeat(500_000)));
    const file = (await app.rows()).get('download')!;
    const chunks = file.stream()[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
    let bytes = ((await chunks.next()).value as Buffer).byteLength;
    await app.remove('download');
    await app.files.sweep();
    // Another request of the same download, for example for its next range, still finds the bytes.
    expect((await file.bytes()).byteLength).toBe(500_000);
    for await (const chunk of chunks) bytes += chunk.byteLength;
    expect(bytes).toBe(500_000);
    await delay(1100);
    await expectConsistent(site);
    expect(await storedKeys(site.place)).toEqual([]);
    await site.close();
  });
});

await onDatabases(['postgres'], 'a serialization failure on %s', (database) => {
  it('can be retried with the same staged file', async () => {
    const site = await openSite('typeorm', database, { lease: 2000 });
    const { app } = site;
    await app.insert('serial', await app.stage('old'));
    const file = await app.stage('mine');
    const attempt = (meanwhile?: () => Promise<void>) =>
      app.dataSource.transaction('REPEATABLE READ', async (manager) => {
        const row = await manager.findOneByOrFail(Document, { slug: 'serial' });
        await meanwhile?.();
        await manager.save(Document, { ...row, file });
      });
    const theirs = await app.stage('theirs');
    await expect(attempt(() => app.replace('serial', theirs))).rejects.toMatchObject({
      driverError: { code: '40001' },
    });
    await app.files.sweep();
    await attempt();
    await expectConsistent(site);
    expect(await (await app.rows()).get('serial')?.text()).toBe('mine');
    await site.close();
  });
});
