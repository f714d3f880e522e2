import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, protectFiles } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { searchPathClaims, type PathSite } from '../contracts/orm/search-path.js';
import { createDatabase, onDatabases } from '../support/databases.js';

@Entity('letter')
class Letter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

async function open(isProtected: boolean): Promise<PathSite> {
  const { name, host, port, user, drop } = await createDatabase('postgres', '');
  const media = new MemoryStorage();
  const opened: DataSource[] = [];
  const connect = async (options: Partial<DataSourceOptions> = {}) => {
    const server = { type: 'postgres', host, port, username: user, password: '', database: name, entities: [Letter] };
    opened.push(await new DataSource({ ...server, ...options } as DataSourceOptions).initialize());
    return opened.at(-1)!;
  };
  const attach = async (dataSource: DataSource) => {
    if (isProtected) await protectFiles(dataSource, { grace: 0 });
    return attachFiles(dataSource, { storages: { media }, grace: 0 });
  };
  const home = await connect({ synchronize: true });
  await createLedger(home);
  const files = await attach(home);
  const tenant = async (schema: string) => {
    await home.query(`CREATE SCHEMA ${schema}`);
    await home.query(`CREATE TABLE ${schema}.letter (id serial PRIMARY KEY, file json)`);
    return attach(await connect({ extra: { options: `-c search_path=${schema},public` } } as never));
  };
  const tenants = { t1: await tenant('t1'), t2: await tenant('t2') };
  return {
    media,
    files,
    tenants,
    stage: (text) => files.stage(Letter, 'file', text),
    query: (sql) => home.query(sql),
    within: (schema, work) =>
      home.transaction(async (manager) => {
        await manager.query(`SET LOCAL search_path TO ${schema}, public`);
        const letters = manager.getRepository(Letter);
        return work({
          add: async (file) => (await letters.save(letters.create({ file }))).id,
          set: async (id, file) => void (await letters.save({ id, file })),
          update: async (id, file) => void (await letters.update({ id }, { file })),
          remove: async (id) => void (await letters.remove(await letters.findOneByOrFail({ id }))),
          text: async (id) => (await letters.findOneByOrFail({ id })).file?.text(),
        });
      }),
    async faultsAs(role, work) {
      const faults: string[] = [];
      const dataSource = await connect({ username: role } as never);
      const attached = await attachFiles(dataSource, { storages: { media }, grace: 0, protection: 'off' });
      attached.on('fault', (error) => void faults.push(String(error)));
      await work(attached);
      await dataSource.destroy();
      return faults;
    },
    async close() {
      for (const dataSource of opened) if (dataSource.isInitialized) await dataSource.destroy();
      await drop();
    },
  };
}

await onDatabases(['postgres'], 'TypeORM on %s', () => {
  searchPathClaims(open);
});
