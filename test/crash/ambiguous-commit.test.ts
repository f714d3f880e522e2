import { setTimeout as delay } from 'node:timers/promises';
import { describeEach, reachableDatabases, servers } from '../support/databases.js';
import { tcpProxy, type CommitFate, type TcpProxy } from '../support/tcp-proxy.js';
import { expectConsistent, openSite, type Site } from './matrix.js';
import { openMikroOrm } from './process/mikro-orm.js';
import { openTypeorm } from './process/typeorm.js';
import type { Application } from './process/application.js';

const databases = await reachableDatabases();
const orms = databases.includes('postgres') ? (['typeorm', 'mikro-orm'] as const) : [];

/** What happens to the COMMIT, and whether the database has then written the row. The application cannot know it. */
const cases: readonly (readonly [CommitFate, boolean])[] = [
  ['lost', false],
  ['unanswered', true],
  ['silent', true],
];

describeEach(orms, 'postgres', 'a COMMIT of %s without a response', (orm) => {
  let site: Site;
  let proxy: TcpProxy;
  let app: Application;
  beforeAll(async () => {
    site = await openSite(orm, 'postgres');
    proxy = await tcpProxy(servers.postgres);
    const place = { ...site.place, host: '127.0.0.1', port: proxy.port };
    // pg cancels a query after this time; by default it waits for ever.
    app = await (orm === 'typeorm' ? openTypeorm : openMikroOrm)(place, { queryTimeout: 400 });
  });
  afterAll(async () => {
    await proxy?.close();
    await app?.close().catch(() => undefined);
    await site?.close();
  });

  it.each(cases)(
    'commits or rolls back the row and its file together when the COMMIT is %s (committed: %s)',
    async (fate, done) => {
      const text = async (slug: string) => (await site.app.rows()).get(slug)?.text();
      const expectLost = async (work: (staged: Awaited<ReturnType<Application['stage']>>) => Promise<void>) => {
        const staged = await app.stage('new');
        const before = proxy.commits;
        proxy.fate = fate;
        await expect(work(staged)).rejects.toThrow();
        expect(proxy.commits).toBe(before + 1);
        // A pool may keep a connection that never responds; its own time limits are not tested here.
        proxy.hangUp();
        await delay(50);
        // A sweep may run while the application does not know the result.
        await site.app.files.sweep();
        await expectConsistent(site);
      };
      await site.app.insert(`${fate}-replace`, await site.app.stage('old'));
      await site.app.insert(`${fate}-delete`, await site.app.stage('old'));

      await expectLost((staged) => app.insert(`${fate}-insert`, staged));
      expect(await text(`${fate}-insert`)).toBe(done ? 'new' : undefined);
      await expectLost((staged) => app.replace(`${fate}-replace`, staged));
      expect(await text(`${fate}-replace`)).toBe(done ? 'new' : 'old');
      await expectLost(() => app.remove(`${fate}-delete`));
      expect(await text(`${fate}-delete`)).toBe(done ? undefined : 'old');
    },
  );
});
