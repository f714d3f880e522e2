import { setTimeout as delay } from 'node:timers/promises';
import { reachableDatabases, servers } from '../support/databases.js';
import { tcpProxy, type CommitFate, type TcpProxy } from '../support/tcp-proxy.js';
import { expectHealed, openStage, type Stage } from './matrix.js';
import { openMikroOrm } from './process/mikro-orm.js';
import { openTypeorm } from './process/typeorm.js';
import type { Application } from './process/application.js';

const found = await reachableDatabases();
const orms = found.includes('postgres') ? (['typeorm', 'mikro-orm'] as const) : [];

/** Whether the row is written: the application cannot know, the database does. */
const cases: readonly (readonly [CommitFate, boolean])[] = [
  ['lost', false],
  ['unanswered', true],
  ['silent', true],
];

describe.each(orms)('a COMMIT of %s whose answer never came', (orm) => {
  let stage: Stage;
  let proxy: TcpProxy;
  let app: Application;
  beforeAll(async () => {
    stage = await openStage(orm, 'postgres');
    proxy = await tcpProxy(servers.postgres);
    const place = { ...stage.place, host: '127.0.0.1', port: proxy.port };
    // pg gives a query up after this time; without it, it waits for ever.
    app = await (orm === 'typeorm' ? openTypeorm : openMikroOrm)(place, { queryTimeout: 400 });
  });
  afterAll(async () => {
    await proxy?.close();
    await app?.close().catch(() => undefined);
    await stage?.close();
  });

  it.each(cases)(
    'because it was %s: insert, replace and delete are done (%s) or not, and never half',
    async (fate, done) => {
      const text = async (slug: string) => (await stage.app.rows()).get(slug)?.text();
      const meet = async (work: (staged: Awaited<ReturnType<Application['stage']>>) => Promise<void>) => {
        const staged = await app.stage('new');
        const before = proxy.met;
        proxy.fate = fate;
        await expect(work(staged)).rejects.toThrow();
        expect(proxy.met).toBe(before + 1);
        // A pool may keep a connection on which nobody answers; its own time limits are not the subject.
        proxy.hangUp();
        await delay(50);
        // While nobody knows, a sweep may run.
        await stage.app.files.sweep();
        await expectHealed(stage);
      };
      await stage.app.insert(`${fate}-replace`, await stage.app.stage('old'));
      await stage.app.insert(`${fate}-delete`, await stage.app.stage('old'));

      await meet((staged) => app.insert(`${fate}-insert`, staged));
      expect(await text(`${fate}-insert`)).toBe(done ? 'new' : undefined);
      await meet((staged) => app.replace(`${fate}-replace`, staged));
      expect(await text(`${fate}-replace`)).toBe(done ? 'new' : 'old');
      await meet(() => app.remove(`${fate}-delete`));
      expect(await text(`${fate}-delete`)).toBe(done ? undefined : 'old');
    },
  );
});
if (orms.length === 0) it.todo('needs PostgreSQL');
