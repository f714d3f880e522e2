import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MikroORM, type Options } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import {
  ValidationPipe,
  type DynamicModule,
  type INestApplication,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type MigrationInterface, type QueryRunner } from 'typeorm';
import { ledgerSchema, ledgerTables, type Files, type StoredFile } from 'filefield';
import { FileField as MikroFileField } from 'filefield/mikro-orm';
import { FileErrorsFilter, FilesModule, getFilesToken, type FilesModuleOptions } from 'filefield/nest';
import { MemoryStorage } from 'filefield/storages/memory';
import { createLedger, FileField } from 'filefield/typeorm';
import { legacy, sqliteDriver } from '../support/mikro-major.js';

const { Entity: MikroEntity, PrimaryKey, Property } = legacy;

const rules = { storage: 'documents', maxSize: '10 KB', accept: ['text/plain'] } as const;

@Entity('document')
export class Document {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { unique: true }) slug!: string;
  @Column('varchar', { default: 'ada' }) owner!: string;
  @FileField(rules) file!: StoredFile | null;
  @FileField({ storage: 'documents' }) cover!: StoredFile | null;
}

@MikroEntity({ tableName: 'document' })
export class MikroDocument {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', unique: true }) slug!: string;
  @Property({ type: 'string', default: 'ada' }) owner!: string;
  @MikroFileField(rules) file!: StoredFile | null;
  @MikroFileField({ storage: 'documents' }) cover!: StoredFile | null;
}

export class Ledger1700000000000 implements MigrationInterface {
  up = (runner: QueryRunner) => createLedger(runner);
  down = async () => undefined;
}

/** What the routes need of an ORM. */
export abstract class Rows {
  abstract save(values: object): Promise<object>;
  abstract count(): Promise<number>;
}

/** An ORM as an application imports it, with a new database. */
export interface Orm {
  readonly entity: typeof Document;
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly rows: (app: INestApplication) => Rows;
  readonly clean: () => Promise<void>;
}

export const typeormConnection = (name?: string): DynamicModule =>
  TypeOrmModule.forRoot({
    ...(name && { name }),
    type: 'sqlite',
    database: ':memory:',
    entities: [Document],
    synchronize: true,
    migrations: [Ledger1700000000000],
    migrationsRun: true,
    retryAttempts: 0,
  });

export const mikroOptions = async (dbName = ':memory:'): Promise<Options> => ({
  driver: await sqliteDriver(),
  dbName,
  entities: [MikroDocument],
  metadataProvider: legacy.ReflectMetadataProvider,
});

const orms = {
  async typeorm(): Promise<Orm> {
    return {
      entity: Document,
      imports: [typeormConnection()],
      clean: async () => undefined,
      rows(app) {
        const documents = app.get(DataSource).getRepository(Document);
        return { save: (values) => documents.save(documents.create(values)), count: () => documents.count() };
      },
    };
  },
  async mikro(): Promise<Orm> {
    const folder = await mkdtemp(path.join(tmpdir(), 'filefield-nest-'));
    const options = {
      ...(await mikroOptions(path.join(folder, 'test.db'))),
      schemaGenerator: { skipTables: [...ledgerTables] },
      logger: () => undefined,
    };
    const first = await MikroORM.init(options);
    const schema = first.schema as unknown as { create?(): Promise<void>; createSchema?(): Promise<void> };
    await (schema.create?.() ?? schema.createSchema?.());
    for (const sql of ledgerSchema('sqlite').create) await first.em.getConnection().execute(sql, [], 'run');
    await first.close(true);
    return {
      entity: MikroDocument,
      imports: [MikroOrmModule.forRoot(options)],
      clean: () => rm(folder, { recursive: true, force: true }),
      rows(app) {
        const fork = () => app.get(MikroORM).em.fork();
        return {
          async save(values) {
            const em = fork();
            const row = em.create(MikroDocument, { owner: 'ada', ...values } as never);
            await em.persist(row).flush();
            return row;
          },
          count: () => fork().count(MikroDocument),
        };
      },
    };
  },
} as const;

export const platforms = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() } as const;

/** Each ORM on each platform. */
export const pairs = (['express', 'fastify'] as const).flatMap((platform) =>
  (['typeorm', 'mikro'] as const).map((orm) => ({ platform, orm })),
);

/** What an application was logging at the level of errors. */
export class Errors {
  readonly lines: unknown[] = [];
  log(): void {}
  warn(): void {}
  error(...message: unknown[]): void {
    this.lines.push(message[0]);
  }
}

export interface Site {
  readonly app: INestApplication;
  readonly files: Files;
  readonly storage: MemoryStorage;
  readonly errors: Errors;
  readonly url: string;
  /** Sweeps what has been given up, and returns the keys that are left. */
  readonly kept: () => Promise<string[]>;
  readonly close: () => Promise<void>;
}

export interface SiteOptions {
  readonly controllers: (entity: typeof Document) => Type[];
  readonly module?: Partial<FilesModuleOptions>;
  readonly pipe?: ValidationPipe | null;
  readonly filter?: FileErrorsFilter | null;
}

/** An application that listens. */
export async function openSite(
  { platform, orm }: (typeof pairs)[number],
  {
    controllers,
    module,
    pipe = new ValidationPipe({ whitelist: true, transform: true }),
    filter = new FileErrorsFilter(),
  }: SiteOptions,
): Promise<Site> {
  const { entity, imports, rows, clean } = await orms[orm]();
  const storage = new MemoryStorage();
  const errors = new Errors();
  const building = await Test.createTestingModule({
    imports: [
      ...imports,
      FilesModule.forRoot({ storages: { documents: storage }, protection: 'off', grace: 0, ...module }),
    ],
    controllers: controllers(entity),
    providers: [{ provide: Rows, useValue: {} }],
  })
    .setLogger(errors)
    .compile();
  const app = building.createNestApplication(platforms[platform]() as never);
  Object.assign(app.get(Rows), rows(app));
  if (pipe) app.useGlobalPipes(pipe);
  if (filter) app.useGlobalFilters(filter);
  await app.listen(0, '127.0.0.1');
  const files = app.get<Files>(getFilesToken());
  return {
    app,
    files,
    storage,
    errors,
    url: await app.getUrl(),
    async kept() {
      await files.sweep();
      return keysOf(storage);
    },
    async close() {
      await app.close();
      await clean();
    },
  };
}

export async function keysOf(storage: MemoryStorage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list()) keys.push(key);
  return keys;
}

/** Saves three rows: `notes` with a file, `empty` without one, and `lost`, whose bytes are gone. */
export async function seedRows(
  { files, app, storage }: Site,
  entity: typeof Document | typeof MikroDocument,
  name: string,
) {
  const rows = app.get(Rows);
  const file = await files.stage(entity, 'file', Buffer.from('0123456789'), { name });
  await rows.save({ slug: 'notes', file });
  await rows.save({ slug: 'empty', file: null });
  const lost = await files.stage(entity, 'file', Buffer.from('lost'), { name: 'lost.txt' });
  await rows.save({ slug: 'lost', file: lost });
  await storage.delete(lost.toDescriptor().key);
}

/** The status that a form gets whose body never comes: a server that waits for it does not answer. */
export function statusOfHead(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sending = request(url, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=b', 'content-length': '1000' },
    });
    sending.on('response', (response) => {
      resolve(response.statusCode);
      sending.destroy();
    });
    sending.on('error', reject);
    sending.flushHeaders();
  });
}
