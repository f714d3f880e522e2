import { MikroORM } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { replicaClaims, type PaperRow, type ReaderRow, type ReplicaHarness } from '../contracts/orm/replicas.js';
import { CountingStorage } from '../support/counting-storage.js';
import { onDatabases, type DatabaseName } from '../support/databases.js';
import { legacy, major, openMikro } from '../support/mikro-orm.js';

const { Entity, ManyToOne, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'reader' })
class Reader implements ReaderRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) name!: string;
}

@Entity({ tableName: 'paper' })
class Paper implements PaperRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) title!: string;
  @ManyToOne(() => Reader, { nullable: true, fieldName: 'reader_id' }) reader!: Reader | null;
  @FileField({ storage: 'papers', copies: 'copy' }) file!: StoredFile | null;
}

async function open(database: DatabaseName): Promise<ReplicaHarness> {
  const entities = [Reader, Paper];
  const [primary, replica] = [await openMikro(database, entities), await openMikro(database, entities)];
  const replicas = [{ dbName: replica.orm.config.get('dbName') }];
  const orm = await MikroORM.init({ ...primary.orm.config.getAll(), entities, replicas });
  const papers = new CountingStorage();
  const files = await attachFiles(orm, { storages: { papers }, grace: 0 });
  const run = (side: typeof primary, sql: string) =>
    side.orm.em.getConnection('write').execute(sql, [], /^SELECT/.test(sql) ? 'all' : 'run') as Promise<never>;
  return {
    files,
    Paper,
    papers,
    async insert({ reader, ...values }) {
      const em = orm.em.fork();
      const paper = em.create(Paper, {
        file: null,
        ...values,
        reader: reader ? em.getReference(Reader, reader.id) : null,
      } as never) as Paper;
      await em.persist(paper).flush();
      return paper;
    },
    insertAlone: (values) => orm.em.fork().upsert(Paper, values),
    count: () => orm.em.fork().count(Paper),
    primary: (sql) => run(primary, sql),
    replica: (sql) => run(replica, sql),
    async close() {
      await orm.close(true);
      await primary.close();
      await replica.close();
    },
  };
}

await onDatabases(['postgres', 'mariadb'], `MikroORM ${major} on %s with a primary and a replica`, (database) => {
  replicaClaims(() => open(database));
});
