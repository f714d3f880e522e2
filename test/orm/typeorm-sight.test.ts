import 'reflect-metadata';
import { StorageRegistry, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { createDatabase, onDatabases, uniqueName, type DatabaseName } from '../support/databases.js';

@Entity('letter')
class Letter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

@Entity('photo')
class Photo {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media', copies: 'share' }) file!: StoredFile | null;
}

const media = new MemoryStorage();
const storages = new StorageRegistry({ media });

interface Site {
  readonly name: string;
  open(options: Partial<DataSourceOptions>): Promise<{ dataSource: DataSource; files: Files }>;
  admin: DataSource;
  close(): Promise<void>;
}

/** Makes a database; `open` connects to it with the given entities and options. */
async function siteOn(database: Exclude<DatabaseName, 'sqlite'>): Promise<Site> {
  const { name, host, port, user, drop } = await createDatabase(database, '');
  const server = { type: database, host: host!, port: port!, username: user!, password: '', database: name };
  const admin = await new DataSource({ ...server, entities: [Letter, Photo], synchronize: true }).initialize();
  const runner = admin.createQueryRunner();
  await createLedger(runner);
  await runner.release();
  const opened: DataSource[] = [admin];
  return {
    name,
    admin,
    async open(options) {
      const dataSource = await new DataSource({ ...server, ...options } as DataSourceOptions).initialize();
      opened.push(dataSource);
      return { dataSource, files: await attachFiles(dataSource, { storages, grace: 0 }) };
    },
    async close() {
      for (const dataSource of opened) if (dataSource.isInitialized) await dataSource.destroy();
      await drop();
    },
  };
}

/** Reconciles and sweeps twice, so that the second run deletes the files that the first has released. */
async function cleanUp(files: Files): Promise<void> {
  for (let run = 0; run < 2; run += 1) {
    await files.reconcile({ repair: true });
    await files.sweep();
  }
}

await onDatabases(['postgres', 'mariadb'], 'TypeORM on %s, a process that sees a part of the rows', (database) => {
  let site: Site;
  beforeAll(async () => {
    site = await siteOn(database);
  });
  afterAll(() => site?.close());

  it('keeps the files of an entity that only another service maps', async () => {
    const one = await site.open({ entities: [Letter, Photo] });
    const other = await site.open({ entities: [Letter] });
    const photos = one.dataSource.getRepository(Photo);
    const photo = await photos.save(photos.create({ file: await one.files.stage(Photo, 'file', 'a photo') }));
    const { foreign } = await other.files.reconcile({ repair: true });
    expect(foreign.map(({ id }) => id)).toContain(photo.file!.id);
    await cleanUp(other.files);
    expect(await (await photos.findOneByOrFail({ id: photo.id })).file?.text()).toBe('a photo');
    await photos.remove(photo);
    await cleanUp(one.files);
    expect(media.keys).toEqual([]);
  });

  it('keeps a file that only a reconcile of another service has recorded', async () => {
    const one = await site.open({ entities: [Letter, Photo] });
    const other = await site.open({ entities: [Letter] });
    const photos = one.dataSource.getRepository(Photo);
    const photo = await photos.save(photos.create({ file: await one.files.stage(Photo, 'file', 'restored') }));
    await one.dataSource.query('DELETE FROM file_ledger');
    await one.files.reconcile({ repair: true });
    await cleanUp(other.files);
    expect(await (await photos.findOneByOrFail({ id: photo.id })).file?.text()).toBe('restored');
    await photos.remove(photo);
    await cleanUp(one.files);
    expect(media.keys).toEqual([]);
  });

  it('keeps a file that two rows of another service share', async () => {
    const one = await site.open({ entities: [Letter, Photo] });
    const other = await site.open({ entities: [Letter] });
    const photos = one.dataSource.getRepository(Photo);
    const first = await photos.save(photos.create({ file: await one.files.stage(Photo, 'file', 'shared') }));
    const second = await photos.save(photos.create({ file: first.file }));
    const { foreign } = await other.files.reconcile({ repair: true });
    expect(foreign.map(({ id }) => id)).toEqual([first.file!.id]);
    await cleanUp(other.files);
    expect(await (await photos.findOneByOrFail({ id: second.id })).file?.text()).toBe('shared');
    await photos.remove([first, second]);
    await cleanUp(one.files);
    expect(media.keys).toEqual([]);
  });

  it('emits fault once for a column that cannot be read, and once more when it cannot be read again', async () => {
    const { files } = await site.open({ entities: [Letter, Photo] });
    const faults: string[] = [];
    files.on('fault', (error) => void faults.push(String(error)));
    for (let time = 1; time < 3; time += 1) {
      await site.admin.query('ALTER TABLE photo RENAME TO away');
      for (let run = 0; run < 2; run += 1) await files.sweep();
      await site.admin.query('ALTER TABLE away RENAME TO photo');
      expect(faults).toHaveLength(time);
      expect(faults.at(-1)).toContain('cannot see every row of photo.file');
      await files.sweep();
    }
  });

  it('attaches again after the data source was destroyed and initialised', async () => {
    const { dataSource, files } = await site.open({ entities: [Letter] });
    await files.stage(Letter, 'file', 'before');
    await dataSource.destroy();
    await dataSource.initialize();
    const again = await attachFiles(dataSource, { storages, grace: 0 });
    const letters = dataSource.getRepository(Letter);
    const letter = await letters.save(letters.create({ file: await again.stage(Letter, 'file', 'after') }));
    expect(await (await letters.findOneByOrFail({ id: letter.id })).file?.text()).toBe('after');
    await expect(attachFiles(dataSource, { storages })).rejects.toMatchObject({ code: 'invalid_option' });
    await letters.remove(letter);
    await dataSource.query('UPDATE file_ledger SET lease_until = 0');
    await cleanUp(again);
    expect(media.keys).toEqual([]);
  });
});

await onDatabases(['postgres'], 'TypeORM on %s, a process that sees a part of the rows', (database) => {
  let site: Site;
  beforeAll(async () => {
    site = await siteOn(database);
  });
  afterAll(() => site?.close());

  it('keeps the files of a tenant when another tenant, in a schema of its own, sweeps and reconciles', async () => {
    const tenants = [];
    for (const schema of ['t1', 't2']) {
      await site.admin.query(`CREATE SCHEMA ${schema}`);
      tenants.push(await site.open({ entities: [Letter], schema, synchronize: true }));
    }
    const saved = [];
    for (const { dataSource, files } of tenants) {
      const letters = dataSource.getRepository(Letter);
      saved.push(
        await letters.save(letters.create({ file: await files.stage(Letter, 'file', `row ${saved.length}`) })),
      );
    }
    await cleanUp(tenants[1]!.files);
    await cleanUp(tenants[0]!.files);
    for (const [index, { dataSource }] of tenants.entries()) {
      const letter = await dataSource.getRepository(Letter).findOneByOrFail({ id: saved[index]!.id });
      expect(await letter.file?.text()).toBe(`row ${index}`);
    }
  });

  it('deletes nothing as a role from which row level security hides rows, and emits fault once', async () => {
    const owner = await site.open({ entities: [Letter] });
    const letters = owner.dataSource.getRepository(Letter);
    const letter = await letters.save(letters.create({ file: await owner.files.stage(Letter, 'file', 'hidden') }));
    const role = uniqueName();
    await site.admin.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await site.admin.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`);
      await site.admin.query('ALTER TABLE letter ENABLE ROW LEVEL SECURITY');
      await site.admin.query(`CREATE POLICY tenant ON letter USING (current_setting('app.tenant', true) = 'a')`);
      const application = await site.open({ entities: [Letter], username: role });
      expect(await application.dataSource.getRepository(Letter).count()).toBe(0);
      const faults: unknown[] = [];
      application.files.on('fault', (error) => void faults.push(error));
      await cleanUp(application.files);
      await site.admin.query(
        `UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id = '${letter.file!.id}'`,
      );
      await cleanUp(application.files);
      expect(faults).toHaveLength(1);
      expect(String(faults[0])).toContain('cannot see every row of letter.file');
      await owner.files.sweep();
      expect(await (await letters.findOneByOrFail({ id: letter.id })).file?.text()).toBe('hidden');
      await application.dataSource.destroy();
    } finally {
      await site.admin.query(`DROP OWNED BY ${role}`);
      await site.admin.query(`DROP ROLE ${role}`);
      await site.admin.query('ALTER TABLE letter DISABLE ROW LEVEL SECURITY');
    }
  });
});
