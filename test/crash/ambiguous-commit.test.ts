import { setTimeout as delay } from 'node:timers/promises';
import { reachableDatabases, servers } from '../support/databases.js';
import { tcpProxy, type CommitFate, type TcpProxy } from '../support/tcp-proxy.js';
import { expectConsistent, openStage, type Stage } from './matrix.js';
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

describe.each(orms)('a COMMIT of %s without a response', (orm) => {
  let stage: Stage;
  let proxy: TcpProxy;
  let app: Application;
  beforeAll(async () => {
    stage = await openStage(orm, 'postgres');
    proxy = await tcpProxy(servers.postgres);
    const place = { ...stage.place, host: '127.0.0.1', port: proxy.port };
    // pg cancels a query after this time; by default it waits for ever.
    app = await (orm === 'typeorm' ? openTypeorm : openMikroOrm)(place, { queryTimeout: 400 });
  });
  afterAll(async () => {
    await proxy?.close();
    await app?.close().catch(() => undefined);
    await stage?.close();
  });

  it.each(cases)(
    'commits or rolls back the row and its file together when the COMMIT is %s (committed: %s)',
    async (fate, done) => {
      const text = async (slug: string) => (await stage.app.rows()).get(slug)?.text();
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
        await stage.app.files.sweep();
        await expectConsistent(stage);
      };
      await stage.app.insert(`${fate}-replace`, await stage.app.stage('old'));
      await stage.app.insert(`${fate}-delete`, await stage.app.stage('old'));

      await expectLost((staged) => app.insert(`${fate}-insert`, staged));
      expect(await text(`${fate}-insert`)).toBe(done ? 'new' : undefined);
      await expectLost((staged) => app.replace(`${fate}-replace`, staged));
      expect(await text(`${fate}-replace`)).toBe(done ? 'new' : 'old');
      await expectLost(() => app.remove(`${fate}-delete`));
      expect(await text(`${fate}-delete`)).toBe(done ? undefined : 'old');
    },
  );
});
if (orms.length === 0) it.todo('needs PostgreSQL');
