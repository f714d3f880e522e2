import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import {
  Column,
  DataSource,
  Entity,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  type DataSourceOptions,
} from 'typeorm';
import { replicaClaims, type PaperRow, type ReaderRow, type ReplicaHarness } from '../contracts/orm/replicas.js';
import { CountingStorage } from '../support/counting-storage.js';
import { createDatabase, onDatabases, type DatabaseName } from '../support/databases.js';

@Entity('reader')
class Reader implements ReaderRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') name!: string;
}

@Entity('paper')
class Paper implements PaperRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @ManyToOne(() => Reader, { nullable: true }) @JoinColumn({ name: 'reader_id' }) reader!: Reader | null;
  @FileField({ storage: 'papers', copies: 'copy' }) file!: StoredFile | null;
}

const entities = [Reader, Paper];

async function open(database: Exclude<DatabaseName, 'sqlite'>): Promise<ReplicaHarness> {
  const makeSide = async () => {
    const { host, port, user, name, drop } = await createDatabase(database, '');
    const server = { host: host!, port: port!, username: user!, password: '', database: name };
    const admin = await new DataSource({ type: database, ...server, entities, synchronize: true }).initialize();
    const runner = admin.createQueryRunner();
    await createLedger(runner);
    await runner.release();
    return { server, admin, drop };
  };
  const [primary, replica] = [await makeSide(), await makeSide()];
  const replication = { master: primary.server, slaves: [replica.server] };
  const dataSource = await new DataSource({ type: database, entities, replication } as DataSourceOptions).initialize();
  const papers = new CountingStorage();
  const files = await attachFiles(dataSource, { storages: { papers }, grace: 0 });
  const repository = dataSource.getRepository(Paper);
  return {
    files,
    Paper,
    papers,
    insert: (values) => repository.save(repository.create(values)),
    insertAlone: (values) => repository.insert(values as never),
    count: () => repository.count(),
    primary: (sql) => primary.admin.query(sql) as Promise<Record<string, unknown>[]>,
    replica: (sql) => replica.admin.query(sql) as Promise<Record<string, unknown>[]>,
    async close() {
      await dataSource.destroy();
      for (const { admin, drop } of [primary, replica]) {
        await admin.destroy();
        await drop();
      }
    },
  };
}

await onDatabases(['postgres', 'mariadb'], 'TypeORM on %s with a primary and a replica', (database) => {
  replicaClaims(() => open(database));
});
