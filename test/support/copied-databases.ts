import 'reflect-metadata';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Storage, type StoredFile } from 'filefield';
import { attachFiles, createLedger, FileField, type AttachOptions, type Files } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { openServer, servers, uniqueName, type DatabaseName } from './databases.js';

@Entity('letter')
export class Letter {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { length: 50 }) title!: string;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

/** An application on one database. */
export interface Application {
  readonly files: Files;
  readonly dataSource: DataSource;
  /** Faults that the ledger has emitted, by code. */
  readonly faults: string[];
  add(title: string): Promise<string>;
  remove(title: string): Promise<void>;
  /** The text of a row's file. */
  read(title: string): Promise<string | undefined>;
  /** Makes the ledger and its markers older by two hours. */
  age(): Promise<void>;
  close(): Promise<void>;
}

/** An application on a database that has the tables. */
export async function openApplication(
  dataSource: DataSource,
  storage: Storage,
  options: Partial<AttachOptions> = {},
): Promise<Application> {
  const files = await attachFiles(dataSource, { storages: { media: storage }, lease: '1h', grace: 0, ...options });
  const faults: string[] = [];
  files.on('fault', (error) => void faults.push(String((error as { code?: string }).code)));
  const letters = dataSource.getRepository(Letter);
  return {
    files,
    dataSource,
    faults,
    async add(title) {
      const file = await files.stage(Letter, 'file', `text of ${title}`);
      await letters.save({ title, file });
      return file.toDescriptor().key;
    },
    async remove(title) {
      await letters.remove(await letters.findOneByOrFail({ title }));
    },
    async read(title) {
      return (await letters.findOneBy({ title }))?.file?.text();
    },
    async age() {
      await dataSource.query(`UPDATE file_state SET born_at = born_at - 7200000`);
      await dataSource.query(`UPDATE file_fence SET token_at = token_at - 7200000`);
      await dataSource.query(`UPDATE file_trash SET retired_at = retired_at - 7200000`);
    },
    close: () => dataSource.destroy(),
  };
}

/** Databases of one suite, which can be copied as a dump or a template would. */
export class CopiedDatabases {
  readonly #open: DataSource[] = [];
  readonly #names: string[] = [];
  #folder = '';

  constructor(private readonly database: DatabaseName) {}

  /** A new database with the tables of the ledger and of the entity. */
  async create(): Promise<string> {
    const name = await this.#newName();
    if (this.database !== 'sqlite') await this.#admin(async (admin) => admin.query(`CREATE DATABASE ${name}`));
    const dataSource = await this.#connect(name, true);
    await createLedger(dataSource);
    await dataSource.destroy();
    return name;
  }

  /** A copy with all rows and the ledger. No application may be connected to the original. */
  async copy(original: string): Promise<string> {
    const name = await this.#newName();
    if (this.database === 'sqlite') await copyFile(original, name);
    if (this.database === 'postgres') {
      await this.#admin(async (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${original}`));
    }
    if (this.database === 'mariadb') await this.#admin((admin) => copyTables(admin, original, name));
    return name;
  }

  async open(name: string, storage: Storage, options: Partial<AttachOptions> = {}): Promise<Application> {
    const dataSource = await this.#connect(name, false);
    this.#open.push(dataSource);
    return openApplication(dataSource, storage, options);
  }

  async close(): Promise<void> {
    for (const dataSource of this.#open) if (dataSource.isInitialized) await dataSource.destroy();
    if (this.database === 'sqlite') return rm(this.#folder, { recursive: true, force: true });
    await this.#admin(async (admin) => {
      for (const name of this.#names) await admin.query(`DROP DATABASE IF EXISTS ${name}`);
    });
  }

  async #newName(): Promise<string> {
    this.#folder ||= await mkdtemp(path.join(tmpdir(), 'filefield-copies-'));
    const name = this.database === 'sqlite' ? path.join(this.#folder, `${uniqueName()}.db`) : uniqueName();
    this.#names.push(name);
    return name;
  }

  async #connect(name: string, synchronize: boolean): Promise<DataSource> {
    const { user: username, ...server } = this.database === 'sqlite' ? { user: undefined } : servers[this.database];
    const options = { type: this.database, ...server, username, password: '', database: name, synchronize };
    return new DataSource({ ...options, entities: [Letter] } as DataSourceOptions).initialize();
  }

  async #admin(work: (admin: DataSource) => Promise<unknown>): Promise<void> {
    if (this.database === 'sqlite') return;
    const admin = await openServer(this.database);
    try {
      await work(admin);
    } finally {
      await admin.destroy();
    }
  }
}

/** As a dump that is restored under another name. */
async function copyTables(admin: DataSource, from: string, to: string): Promise<void> {
  await admin.query(`CREATE DATABASE ${to}`);
  const tables = (await admin.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${from}'`,
  )) as { name: string }[];
  for (const { name } of tables) {
    await admin.query(`CREATE TABLE ${to}.${name} LIKE ${from}.${name}`);
    await admin.query(`INSERT INTO ${to}.${name} SELECT * FROM ${from}.${name}`);
  }
}
