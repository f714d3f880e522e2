import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Body, Controller, Get, Post, type INestApplication } from '@nestjs/common';
import { ApiProperty, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { DataSource } from 'typeorm';
import { FileFieldError, ledgerTables, xAccelRedirect, type StoredFile } from 'filefield';
import { Download, FileErrorsFilter, FilesHealthIndicator, FilesModule, ReceiveFiles } from 'filefield/nest';
import { IsStagedFile } from 'filefield/nest/validation';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { Document, openSite, pairs, Rows, typeormConnection } from './site.js';

class CreateDocument {
  @ApiProperty() slug!: string;
  @IsStagedFile() file!: StoredFile;
}

@Controller('documents')
class Documents {
  @Post()
  @ReceiveFiles(Document, ['file', 'cover'], { maxFiles: { cover: 2 } })
  create(@Body() form: CreateDocument) {
    return form;
  }

  @Post('plain')
  @ReceiveFiles(Document, 'file')
  plain(@Body() form: Record<string, string>) {
    return form;
  }

  @Get(':id')
  @Download(Document, { field: 'file' })
  file() {}
}

const binary = { type: 'string', format: 'binary' };

describe('the document of @nestjs/swagger', () => {
  let app: INestApplication;
  beforeAll(async () => {
    const building = await Test.createTestingModule({
      imports: [
        typeormConnection(),
        FilesModule.forRoot({ storages: { documents: new MemoryStorage() }, protection: 'off' }),
      ],
      controllers: [Documents],
    }).compile();
    app = building.createNestApplication();
  });
  afterAll(() => app.close());

  it('has a form with the files beside the class of the body', () => {
    const { paths, components } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    const form = {
      type: 'object',
      properties: { file: binary, cover: { type: 'array', items: binary } },
    };
    expect(paths['/documents']?.post?.requestBody).toEqual({
      required: true,
      content: {
        'multipart/form-data': { schema: { allOf: [{ $ref: '#/components/schemas/CreateDocument' }, form] } },
      },
    });
    expect(components?.schemas).toEqual({
      CreateDocument: {
        type: 'object',
        properties: { slug: { type: 'string' }, file: binary },
        required: ['slug', 'file'],
      },
    });
    expect(paths['/documents/plain']?.post?.requestBody).toEqual({
      required: true,
      content: { 'multipart/form-data': { schema: { type: 'object', properties: { file: binary } } } },
    });
    expect(paths['/documents/{id}']?.get?.parameters).toEqual([]);
  });
});

describe('FilesHealthIndicator', () => {
  it('is up, and down with what to do when the ledger does not answer', async () => {
    @Controller('health')
    class Health {
      constructor(
        private readonly health: HealthCheckService,
        private readonly files: FilesHealthIndicator,
      ) {}
      @Get()
      @HealthCheck()
      check() {
        return this.health.check([() => this.files.check('files')]);
      }
    }
    const documents = new MemoryStorage();
    const building = await Test.createTestingModule({
      imports: [
        typeormConnection(),
        TerminusModule.forRoot({ logger: false }),
        FilesModule.forRoot({ storages: { documents }, protection: 'off' }),
      ],
      controllers: [Health],
    }).compile();
    const app = building.createNestApplication();
    await app.init();
    const ask = () => request(app.getHttpServer()).get('/health');
    const { status, body } = await ask();
    expect({ status, info: body.info }).toEqual({ status: 200, info: { files: { status: 'up' } } });
    const indicator = app.get(FilesHealthIndicator);
    await expect(indicator.check('files', { connection: 'archive' })).rejects.toThrow();
    await expect(indicator.check('files', { timeout: '0s' })).rejects.toMatchObject({ code: 'invalid_option' });
    await app.get(DataSource).query(`DROP TABLE ${ledgerTables[0]}`);
    const down = await ask();
    expect({ status: down.status, error: down.body.error }).toEqual({
      status: 503,
      error: { files: { status: 'down', link: 'ledger', message: expect.any(String) } },
    });
    await app.close();
  });
});

describe.each(pairs.filter(({ orm }) => orm === 'typeorm'))('failures of the server on $platform', (pair) => {
  it.each([
    ['unavailable', 503],
    ['storage_failed', 500],
  ] as const)('%s is logged once and its sentence is not sent', async (code, status) => {
    class Failing extends MemoryStorage {
      override async write(): Promise<never> {
        throw new FileFieldError(code, 'The bucket of the storage does not answer.');
      }
    }
    const site = await openSite(pair, {
      controllers: () => [Documents],
      module: { storages: { documents: new Failing() } },
    });
    try {
      const answer = await request(site.url).post('/documents/plain').attach('file', Buffer.from('hello'), 'a.txt');
      expect(answer.status).toBe(status);
      expect(answer.body).toEqual({
        statusCode: status,
        error: expect.any(String),
        code: status === 503 ? 'unavailable' : 'internal',
        message: expect.not.stringContaining('bucket'),
      });
      expect(answer.headers['retry-after']).toBe(status === 503 ? '10' : undefined);
      expect(site.errors.lines).toEqual([expect.objectContaining({ code })]);
    } finally {
      await site.close();
    }
  });

  it('answers with problem details of RFC 9457 when the filter is told to', async () => {
    class Failing extends MemoryStorage {
      override async write(): Promise<never> {
        throw new FileFieldError('unavailable', 'The bucket of the storage does not answer.');
      }
    }
    const site = await openSite(pair, {
      controllers: () => [Documents],
      module: { storages: { documents: new Failing() } },
      filter: new FileErrorsFilter({ problemDetails: true }),
    });
    try {
      const send = (text: string) =>
        request(site.url).post('/documents/plain').attach('file', Buffer.from(text), 'a.txt');
      const refused = await send('%PDF-1.7');
      expect(refused.status).toBe(415);
      expect(refused.headers['content-type']).toMatch(/^application\/problem\+json(;|$)/);
      expect(refused.body).toEqual({
        type: 'about:blank',
        title: 'Unsupported Media Type',
        status: 415,
        detail: 'The bytes are application/pdf; accepted are text/plain.',
        code: 'wrong_type',
        field: 'file',
        rule: 'accept',
        limit: ['text/plain'],
      });
      const failed = await send('hello');
      expect({ status: failed.status, retry: failed.headers['retry-after'] }).toEqual({ status: 503, retry: '10' });
      expect(failed.body).toEqual({
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        detail: 'Service Unavailable',
        code: 'unavailable',
      });
    } finally {
      await site.close();
    }
  });

  it('a delivery of the module sends the bytes of downloads', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'filefield-nest-'));
    const storage = new DiskStorage({ root });
    const site = await openSite(pair, {
      controllers: () => [Documents],
      module: { storages: { documents: storage }, delivery: xAccelRedirect({ [root]: '/_files' }) },
    });
    try {
      const file = await site.files.stage(Document, 'file', Buffer.from('hello'), { name: 'a.txt' });
      const row = (await site.app.get(Rows).save({ slug: 'notes', file })) as Document;
      const { status, headers } = await request(site.url).get(`/documents/${row.id}`);
      expect({ status, to: headers['x-accel-redirect'] }).toEqual({
        status: 200,
        to: `/_files/${file.toDescriptor().key}`,
      });
    } finally {
      await site.close();
      await rm(root, { recursive: true });
    }
  });
});
