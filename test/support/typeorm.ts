import 'reflect-metadata';
import { StorageRegistry } from 'filefield';
import {
  attachFiles,
  protectFiles,
  createLedger,
  FileField,
  type EntityProtectionOptions,
  type StoredFile,
} from 'filefield/typeorm';
import {
  Column,
  DataSource,
  Entity,
  In,
  IsNull,
  ManyToOne,
  PrimaryGeneratedColumn,
  type DataSourceOptions,
  type EntityManager,
  type Logger,
  type QueryRunner,
} from 'typeorm';
import { times, type DocumentRow, type OwnerRow, type Unit } from '../contracts/orm-contract.js';
import type { BulkHarness } from '../contracts/orm/bulk.js';
import type { HookedHarness } from '../contracts/orm/throwing-hooks.js';
import { CountingStorage } from './counting-storage.js';
import { servers, uniqueName, type DatabaseName } from './databases.js';

@Entity('contract_owner')
export class Owner implements OwnerRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') name!: string;
  @Column('varchar') tenant!: string;
}

@Entity('contract_document')
export class Document implements DocumentRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { length: 100, unique: true }) slug!: string;
  @Column('varchar', { default: '' }) title!: string;
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
  @FileField({ storage: 'covers', column: 'cover_file' }) cover!: StoredFile | null;
  @ManyToOne(() => Owner, { cascade: ['insert'], nullable: true }) owner!: Owner | null;
}

/** Set by the Jest project: 1 if `typeorm` is TypeORM 1.x. */
declare const typeormMajor: number | undefined;

const memory = (
  typeof typeormMajor === 'number' ? { type: 'sqljs' } : { type: 'sqlite', database: ':memory:' }
) as DataSourceOptions;

/** Opens a new, empty database for one suite; `close` drops it. */
export async function openDataSource(
  database: DatabaseName,
  options: Pick<DataSourceOptions, 'entities' | 'logger' | 'logging' | 'poolSize'>,
): Promise<{ dataSource: DataSource; close: () => Promise<void> }> {
  if (database === 'sqlite') {
    const dataSource = await new DataSource({
      ...memory,
      ...options,
      synchronize: true,
    } as DataSourceOptions).initialize();
    return { dataSource, close: () => dataSource.destroy() };
  }
  const { host, port, user, database: initial } = servers[database];
  const server = { type: database, host, port, username: user, password: '' } as const;
  const admin = await new DataSource({ ...server, database: initial }).initialize();
  const name = uniqueName();
  await admin.query(`CREATE DATABASE ${name}`);
  const dataSource = await new DataSource({
    ...server,
    ...options,
    database: name,
    synchronize: true,
  } as DataSourceOptions).initialize();
  const close = async () => {
    await dataSource.destroy();
    await admin.query(`DROP DATABASE ${name}`);
    await admin.destroy();
  };
  return { dataSource, close };
}

class UpdateCounter implements Logger {
  updates = 0;
  logQuery(query: string): void {
    if (/^UPDATE\s+.?contract_document/i.test(query)) this.updates += 1;
  }
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

/** The harness of the contracts, and the data source. */
export interface TypeormHarness extends BulkHarness, HookedHarness {
  readonly dataSource: DataSource;
}

export async function openTypeorm(database: DatabaseName, triggers?: EntityProtectionOptions): Promise<TypeormHarness> {
  const logger = new UpdateCounter();
  const { dataSource, close } = await openDataSource(database, {
    entities: [Document, Owner],
    logger,
    logging: ['query'],
  });
  const runner = dataSource.createQueryRunner();
  await createLedger(runner);
  if (triggers) await protectFiles(runner, { grace: times.grace, ...triggers });
  await runner.release();
  const documents = new CountingStorage();
  const covers = new CountingStorage();
  const files = await attachFiles(dataSource, { storages: new StorageRegistry({ documents, covers }), ...times });
  return {
    dataSource,
    database,
    sql: (work) => dataSource.transaction((manager) => work((sql) => manager.query(sql))),
    files,
    Document,
    documents,
    covers,
    unit: () => unitOf(dataSource.manager),
    query: (sql) => dataSource.query(sql) as Promise<Record<string, unknown>[]>,
    updates: () => logger.updates,
    isIn: (values) => In(values),
    isNull: () => IsNull(),
    countWithoutFile: () => dataSource.getRepository(Document).countBy({ file: IsNull() }),
    hook: (name, action) => {
      const subscriber = { [name]: action };
      dataSource.subscribers.push(subscriber);
      return () => void dataSource.subscribers.splice(dataSource.subscribers.indexOf(subscriber), 1);
    },
    async recover() {
      if (database !== 'sqlite') return;
      // As a restart would. The transaction depth that TypeORM has counted is wrong now.
      const shared = dataSource.createQueryRunner() as QueryRunner & { transactionDepth: number };
      if (shared.transactionDepth > 0) await shared.query('ROLLBACK').catch(() => undefined);
      Object.assign(shared, { transactionDepth: 0, isTransactionActive: false });
    },
    close,
  };
}

function unitOf(manager: EntityManager): Unit {
  const repository = manager.getRepository(Document);
  return {
    insert: (values) => repository.save(repository.create(values)),
    save: async (row) => void (await repository.save(row)),
    find: (slug) => repository.findOneBy({ slug }),
    remove: async (row) => void (await repository.remove(row as Document)),
    transaction: (work) => manager.transaction((inner) => work(unitOf(inner))),
  };
}
