import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectCode } from '../contracts/orm/context.js';
import { postgresCluster, postgresPrograms, type PostgresCluster } from '../support/postgres-cluster.js';
import { expectHealed, lease } from './matrix.js';
import { Document, openTypeorm, type TypeormApplication } from './process/typeorm.js';

const programs = postgresPrograms();
if (!programs) it.todo('needs the programs of a PostgreSQL server');

describe.each(programs ? [programs] : [])('a database that restarts (%s)', (folder) => {
  let cluster: PostgresCluster;
  let app: TypeormApplication;
  let root: string;
  beforeAll(async () => {
    cluster = await postgresCluster(folder);
    root = await mkdtemp(path.join(tmpdir(), 'filefield-crash-'));
    app = await openTypeorm(place(), { create: true });
    // A lease that could not be renewed is told; here it is expected.
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

  it.each(['fast', 'immediate'] as const)('loses nothing and leaves nothing (%s)', async (mode) => {
    await app.insert(`${mode} kept`, await app.stage('kept'));
    const staged = await app.stage('new');
    let go = () => {};
    const down = new Promise<void>((resolve) => (go = resolve));
    // An upload and a transaction are on their way.
    const upload = app.files.stage(
      Document,
      'file',
      (async function* () {
        yield Buffer.alloc(10_000, 'a');
        await down;
        yield Buffer.alloc(10_000, 'b');
      })(),
    );
    const lost = upload.catch((error: unknown) => error);
    const replacing = app.dataSource.transaction(async (manager) => {
      const row = await manager.findOneByOrFail(Document, { slug: `${mode} kept` });
      await manager.save(Document, { ...row, file: staged });
      await down;
    });
    const failed = expect(replacing).rejects.toThrow();
    await delay(lease);
    cluster.stop(mode);
    await expectCode(app.stage('nobody answers'), 'database_failed');
    await expectCode(app.files.sweep(), 'database_failed');
    go();
    await failed;
    // It took longer than a third of its lease, and the ledger cannot be asked.
    await expectCode(upload, 'database_failed');
    await lost;
    cluster.start();
    await expectHealed({ app, place: place() });
    expect(await (await app.rows()).get(`${mode} kept`)?.text()).toBe('kept');
    await app.insert(`${mode} after`, await app.stage('after'));
  });
});
