import { EntitySchema, MikroORM } from '@mikro-orm/core';
import { ledgerSchema } from 'filefield';
import { attachFiles, fileProperty } from 'filefield/mikro-orm';
import { storagesOf, type Application, type DocumentRow, type OpenOptions, type Place } from './application.js';

export const Document = new EntitySchema<DocumentRow>({
  name: 'CrashDocument',
  tableName: 'crash_document',
  properties: {
    id: { type: 'integer', primary: true },
    slug: { type: 'string', length: 100, unique: true },
    file: fileProperty({ storage: 'documents' }),
  },
});

const drivers = {
  sqlite: ['@mikro-orm/sqlite', 'SqliteDriver'],
  postgres: ['@mikro-orm/postgresql', 'PostgreSqlDriver'],
  mariadb: ['@mikro-orm/mariadb', 'MariaDbDriver'],
} as const;

export async function openMikroOrm(place: Place, options: OpenOptions = {}): Promise<Application> {
  const { database, name, host, port, user } = place;
  const [module, driver] = drivers[database];
  const orm = await MikroORM.init({
    driver: ((await import(module)) as Record<string, never>)[driver],
    dbName: name,
    ...(database !== 'sqlite' && { host, port, user, password: '' }),
    entities: [Document],
    ...(options.queryTimeout && { driverOptions: { connection: { query_timeout: options.queryTimeout } } }),
  });
  const connection = orm.em.getConnection();
  if (options.create) {
    await orm.schema.createSchema();
    const dialect = database === 'mariadb' ? 'mysql' : database;
    for (const sql of ledgerSchema(dialect).create) await connection.execute(sql, [], 'run');
  }
  const storages = await storagesOf(place, options);
  const files = await attachFiles(orm, { storages, lease: place.lease, grace: place.grace, protection: 'off' });
  return {
    files,
    stage: (text) => files.stage(Document, 'file', text, { name: 'note.txt' }),
    insert: (slug, file) => {
      const em = orm.em.fork();
      em.create(Document, { slug, file } as DocumentRow);
      return em.flush();
    },
    replace: (slug, file) =>
      orm.em.fork().transactional(async (em) => {
        (await em.findOneOrFail(Document, { slug })).file = file;
      }),
    remove: async (slug) => {
      const em = orm.em.fork();
      em.remove(await em.findOneOrFail(Document, { slug }));
      await em.flush();
    },
    rows: async () => new Map((await orm.em.fork().find(Document, {})).map((row) => [row.slug, row.file])),
    query: (sql) => connection.execute(sql),
    onTransaction(moment, action) {
      const hook = async () => action();
      orm.em
        .getEventManager()
        .registerSubscriber(
          moment === 'before-commit' ? { beforeTransactionCommit: hook } : { afterTransactionCommit: hook },
        );
    },
    close: () => orm.close(true),
  };
}
