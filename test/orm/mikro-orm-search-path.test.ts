import { MikroORM, type EntityManager } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, FileField, protectFiles } from 'filefield/mikro-orm';
import { searchPathClaims, type PathSite } from '../contracts/orm/search-path.js';
import { onDatabases } from '../support/databases.js';
import { legacy, major, openMikro } from '../support/mikro-orm.js';

const { Entity, PrimaryKey } = legacy;

@Entity({ tableName: 'letter' })
class Letter {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

const execute = (em: EntityManager, sql: string) =>
  em.getConnection().execute(sql, [], 'all', em.getTransactionContext()) as Promise<Record<string, unknown>[]>;

async function open(isProtected: boolean): Promise<PathSite> {
  const home = await openMikro('postgres', [Letter]);
  const media = new MemoryStorage();
  const opened: MikroORM[] = [];
  const connect = async (options: object) => {
    opened.push(await MikroORM.init({ ...home.orm.config.getAll(), ...options }));
    return opened.at(-1)!;
  };
  const attach = async (orm: MikroORM) => {
    if (isProtected) await protectFiles(orm, { grace: 0 });
    return attachFiles(orm, { storages: { media }, grace: 0 });
  };
  const files = await attach(home.orm);
  const tenant = async (schema: string) => {
    await execute(home.em, `CREATE SCHEMA ${schema}`);
    await execute(home.em, `CREATE TABLE ${schema}.letter (id serial PRIMARY KEY, file jsonb)`);
    const options = `-c search_path=${schema},public`;
    return attach(await connect({ driverOptions: major === 6 ? { connection: { options } } : { options } }));
  };
  const tenants = { t1: await tenant('t1'), t2: await tenant('t2') };
  return {
    media,
    files,
    tenants,
    stage: (text) => files.stage(Letter, 'file', text),
    query: (sql) => execute(home.em, sql),
    within: (schema, work) =>
      home.em.transactional(async (em) => {
        await execute(em, `SET LOCAL search_path TO ${schema}, public`);
        return work({
          async add(file) {
            const letter = em.create(Letter, { file } as Letter);
            await em.persist(letter).flush();
            return letter.id;
          },
          async set(id, file) {
            (await em.findOneOrFail(Letter, { id })).file = file;
            await em.flush();
          },
          update: async (id, file) => void (await em.nativeUpdate(Letter, { id }, { file })),
          remove: async (id) => void (await em.remove(await em.findOneOrFail(Letter, { id })).flush()),
          text: async (id) => (await em.findOneOrFail(Letter, { id })).file?.text(),
        });
      }),
    async faultsAs(role, work) {
      const faults: string[] = [];
      const orm = await connect({ user: role });
      const attached = await attachFiles(orm, { storages: { media }, grace: 0, protection: 'off' });
      attached.on('fault', (error) => void faults.push(String(error)));
      await work(attached);
      await orm.close();
      return faults;
    },
    async close() {
      for (const orm of opened) await orm.close(true);
      await home.close();
    },
  };
}

await onDatabases(['postgres'], `MikroORM ${major} on %s`, () => {
  searchPathClaims(open);
});
