import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Body, Controller, Inject, Injectable, Module, Post, type Type } from '@nestjs/common';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import request from 'supertest';
import type { DataSource } from 'typeorm';
import type { Files, StoredFile } from 'filefield';
import {
  FilesModule,
  getFilesToken,
  getStoragesToken,
  InjectFiles,
  ReceiveFiles,
  type FilesModuleOptions,
  type FilesOptionsFactory,
} from 'filefield/nest';
import { MemoryStorage } from 'filefield/storages/memory';
import { expectNoOrphans } from 'filefield/testing';
import { Document, Errors, keysOf, MikroDocument, mikroOptions, openSite, pairs, typeormConnection } from './site.js';

const require = createRequire(import.meta.url);

const fields = (documents = new MemoryStorage()): FilesModuleOptions => ({
  storages: { documents },
  protection: 'off',
});

const compile = (...imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>) =>
  Test.createTestingModule({ imports }).setLogger(new Errors()).compile();

it('is tried with the major of Nest that the project names', () => {
  const major = (globalThis as { nestMajor?: number }).nestMajor ?? 11;
  const nest = path.dirname(require.resolve('@nestjs/core'));
  expect(JSON.parse(readFileSync(path.join(nest, 'package.json'), 'utf8'))).toMatchObject({
    version: expect.stringMatching(`^${major}[.]`),
  });
});

describe('FilesModule', () => {
  it('has its files in every module, whichever comes first', async () => {
    @Injectable()
    class Reports {
      constructor(@InjectFiles() readonly files: Files) {}
    }
    @Module({ providers: [Reports] })
    class Feature {}
    const app = await compile(Feature, FilesModule.forRoot(fields()), typeormConnection());
    expect(app.get(Reports, { strict: false }).files).toBe(app.get(getFilesToken()));
    await app.close();
  });

  it('has its files only where it is imported with isGlobal: false', async () => {
    @Injectable()
    class Reports {
      constructor(@InjectFiles() readonly files: Files) {}
    }
    @Module({ providers: [Reports] })
    class Feature {}
    const module = FilesModule.forRoot({ ...fields(), isGlobal: false });
    await expect(compile(typeormConnection(), module, Feature)).rejects.toThrow(/FilefieldFiles/);
  });

  it('takes its options from a factory, a class, or a provider', async () => {
    @Injectable()
    class Settings implements FilesOptionsFactory {
      readonly documents = new MemoryStorage();
      createFilesOptions(connection?: string) {
        expect(connection).toBeUndefined();
        return fields(this.documents);
      }
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    for (const options of [
      {
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async (settings: Settings) => settings.createFilesOptions(),
      },
      { useClass: Settings },
      { imports: [SettingsModule], useExisting: Settings },
    ]) {
      const app = await compile(typeormConnection(), FilesModule.forRootAsync(options));
      expect(app.get<Files>(getFilesToken()).storages.names).toEqual(['documents']);
      await app.close();
    }
    expect(() => FilesModule.forRootAsync({})).toThrow('needs "useFactory"');
  });

  it('lets a test replace the storages', async () => {
    const replaced = new MemoryStorage();
    const app = await Test.createTestingModule({ imports: [typeormConnection(), FilesModule.forRoot(fields())] })
      .overrideProvider(getStoragesToken())
      .useValue({ documents: replaced })
      .compile();
    const files = app.get<Files>(getFilesToken());
    await files.stage(Document, 'file', Buffer.from('hello'), { name: 'a.txt' });
    expect(await keysOf(replaced)).toHaveLength(1);
    await expectNoOrphans(files);
    await app.close();
  });

  it('keeps the files of two connections apart', async () => {
    const [own, archived] = [new MemoryStorage(), new MemoryStorage()];
    @Controller('archive')
    class Archive {
      constructor(@Inject(getDataSourceToken('archive')) private readonly archive: DataSource) {}
      @Post()
      @ReceiveFiles(Document, 'file', { connection: 'archive' })
      async create(@Body() form: { slug: string; file: StoredFile }) {
        const { file } = await this.archive.getRepository(Document).save(form as Document);
        return file;
      }
    }
    const building = await Test.createTestingModule({
      controllers: [Archive],
      imports: [
        typeormConnection(),
        typeormConnection('archive'),
        FilesModule.forRoot(fields(own)),
        FilesModule.forRootAsync({ connection: 'archive', useFactory: () => fields(archived) }),
      ],
    }).compile();
    const app = building.createNestApplication();
    await app.init();
    const { status } = await request(app.getHttpServer())
      .post('/archive')
      .field('slug', 'old')
      .attach('file', Buffer.from('hello'), 'a.txt');
    expect({ status, own: await keysOf(own), archived: await keysOf(archived) }).toEqual({
      status: 201,
      own: [],
      archived: [expect.any(String)],
    });
    expect(app.get(getFilesToken('archive'))).not.toBe(app.get(getFilesToken()));
    await app.close();
  });

  it('takes the connection called default as the one without a name', () => {
    expect([getFilesToken('default'), getStoragesToken('default')]).toEqual([getFilesToken(), getStoragesToken()]);
  });

  it('says what to do when there is no ORM, or no connection of the name', async () => {
    await expect(compile(FilesModule.forRoot(fields()))).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('import TypeOrmModule.forRoot() or MikroOrmModule.forRoot()'),
    });
    await expect(
      compile(typeormConnection(), FilesModule.forRoot({ ...fields(), connection: 'archive' })),
    ).rejects.toThrow('no MikroORM instance called "archive"');
  });

  it('says what to do when both ORMs are there', async () => {
    const mikro = MikroOrmModule.forRoot(await mikroOptions());
    await expect(compile(typeormConnection(), mikro, FilesModule.forRoot(fields()))).rejects.toThrow(
      'give one of them a name',
    );
  });

  it('attaches to a MikroORM instance with a name', async () => {
    const mikro = MikroOrmModule.forRoot({
      contextName: 'archive',
      registerRequestContext: false,
      ...(await mikroOptions()),
    });
    const app = await compile(
      typeormConnection(),
      mikro,
      FilesModule.forRoot(fields()),
      FilesModule.forRoot({ ...fields(), connection: 'archive', ledger: false }),
    );
    const files = app.get<Files>(getFilesToken('archive'));
    expect(() => files.checkFileField(MikroDocument, 'cover')).not.toThrow();
    await app.close();
  });

  it('leaves the error of a database that does not answer as it is', async () => {
    const down = TypeOrmModule.forRoot({ type: 'postgres', host: '127.0.0.1', port: 1, retryAttempts: 0 });
    for (const imports of [
      [down, FilesModule.forRoot(fields())],
      [FilesModule.forRoot(fields()), down],
    ]) {
      await expect(compile(...imports)).rejects.toThrow('ECONNREFUSED');
    }
  });

  it('does not start when an option is out of range', async () => {
    const building = await compile(typeormConnection(), FilesModule.forRoot({ ...fields(), sweepEvery: '0s' }));
    await expect(building.createNestApplication().init()).rejects.toMatchObject({ code: 'invalid_option' });
  });

  it('starts without a server', async () => {
    const app = await compile(typeormConnection(), FilesModule.forRoot({ ...fields(), sweepEvery: '1h' }));
    await app.init();
    await app.close();
  });

  it('leaves a parser of multipart forms that Fastify has already', async () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance().addContentTypeParser('multipart/form-data', (_request, _body, parsed) => parsed(null));
    const building = await compile(typeormConnection(), FilesModule.forRoot(fields()));
    const app = building.createNestApplication(adapter as never);
    await app.init();
    await app.close();
  });
});

describe.each(pairs)('sweeps on $platform with $orm', (pair) => {
  it('run while the application does, and one under way has ended when the database closes', async () => {
    const events: string[] = [];
    class Slow extends MemoryStorage {
      override async delete(key: string): Promise<void> {
        events.push('deleting');
        await new Promise((resolve) => setTimeout(resolve, 200));
        await super.delete(key);
        events.push('deleted');
      }
    }
    const documents = new Slow();
    const site = await openSite(pair, {
      controllers: () => [] as Type[],
      module: { storages: { documents }, sweepEvery: '20ms' },
    });
    const faults: unknown[] = [];
    site.files.on('fault', (error) => faults.push(error));
    const entity = pair.orm === 'typeorm' ? Document : MikroDocument;
    await site.files.discard(await site.files.stage(entity, 'file', Buffer.from('hello'), { name: 'a.txt' }));
    while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await site.close();
    expect(events).toEqual(['deleting', 'deleted']);
    expect(faults).toEqual([]);
  });
});
