import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectCode } from '../contracts/orm/context.js';
import { describeEach } from '../support/databases.js';
import { postgresCluster, postgresPrograms, type PostgresCluster } from '../support/postgres-cluster.js';
import { expectConsistent, lease } from './matrix.js';
import { Document, openTypeorm, type TypeormApplication } from './process/typeorm.js';

const programs = postgresPrograms();

describeEach(
  programs ? [programs] : [],
  'the programs of a PostgreSQL server',
  'a database that restarts (%s)',
  (folder) => {
    let cluster: PostgresCluster;
    let app: TypeormApplication;
    let root: string;
    beforeAll(async () => {
      cluster = await postgresCluster(folder);
      root = await mkdtemp(path.join(tmpdir(), 'filefield-crash-'));
      app = await openTypeorm(place(), { create: true });
      // Failed renewals of leases are expected here; without a listener they would be printed.
      app.files.on('fault', () => undefined);
    });
    afterAll(async () => {
      await app?.close().catch(() => undefined);
      cluster?.remove();
      await rm(root, { recursive: true, force: true });
    });
    const place = () => ({
      ...({ orm: 'typeorm', database: 'postgres', name: 'postgres', host: '127.0.0.1', user: 'postgres' } as const),
      ...{ port: cluster.port, root: path.join(root, 'objects'), lease, grace: 0 },
    });

    it.each(['fast', 'immediate'] as const)('keeps the files of rows and deletes all others (%s)', async (mode) => {
      await app.insert(`${mode} kept`, await app.stage('kept'));
      const staged = await app.stage('new');
      let resume = () => {};
      const down = new Promise<void>((resolve) => (resume = resolve));
      // An upload and a transaction are under way.
      const upload = app.files.stage(
        Document,
        'file',
        (async function* () {
          yield Buffer.alloc(10_000, 'a');
          await down;
          yield Buffer.alloc(10_000, 'b');
        })(),
      );
      const settled = upload.catch((error: unknown) => error);
      const replacing = app.dataSource.transaction(async (manager) => {
        const row = await manager.findOneByOrFail(Document, { slug: `${mode} kept` });
        await manager.save(Document, { ...row, file: staged });
        await down;
      });
      const failed = expect(replacing).rejects.toThrow();
      await delay(lease);
      cluster.stop(mode);
      await expectCode(app.stage('no response'), 'database_failed');
      await expectCode(app.files.sweep(), 'database_failed');
      resume();
      await failed;
      // The upload took longer than a third of its lease, which could not be renewed.
      await expectCode(upload, 'database_failed');
      await settled;
      cluster.start();
      await expectConsistent({ app, place: place() });
      expect(await (await app.rows()).get(`${mode} kept`)?.text()).toBe('kept');
      await app.insert(`${mode} after`, await app.stage('after'));
    });
  },
);
