import {
  Controller,
  Get,
  Param,
  Req,
  Res,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { getDataSourceToken } from '@nestjs/typeorm';
import { Test } from '@nestjs/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { finalize, type Observable } from 'rxjs';
import request from 'supertest';
import type { DataSource } from 'typeorm';
import { FileFieldError, xAccelRedirect, type Files } from 'filefield';
import {
  Download,
  FileDownloads,
  FileErrorsFilter,
  FilesHealthIndicator,
  FilesModule,
  getFilesToken,
} from 'filefield/nest';
import { IsStagedFile } from 'filefield/nest/validation';
import { DiskStorage } from 'filefield/storages/disk';
import { restoreFiles, withReceived } from '../../src/nest/received.js';
import { Document, Errors, openSite, pairs, Rows, typeormConnection } from './site.js';

const events: string[] = [];
const happened = async (event: string) => {
  while (!events.includes(event)) await new Promise((resolve) => setImmediate(resolve));
};

/** As an interceptor that measures or logs does it. */
class Around implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(finalize(() => void events.push(`${context.getHandler().name} ended`)));
  }
}

@Controller('documents')
@UseInterceptors(Around)
class Documents {
  constructor(private readonly downloads: FileDownloads) {}

  @Get('by-route/:slug')
  @Download(Document, { field: 'file', slugField: 'slug' })
  route() {}

  @Get('by-hand/:slug')
  async hand(@Req() asked: object, @Res() answer: object) {
    await this.downloads.send(asked, answer, null).catch(() => undefined);
    throw new FileFieldError('not_found', 'Nothing to send.');
  }

  @Get('left')
  async left(@Req() asked: object, @Res() answer: ServerResponse | { raw: ServerResponse }) {
    const response = 'raw' in answer ? answer.raw : answer;
    const closed = new Promise((resolve) => response.once('close', resolve));
    response.destroy();
    await closed;
    await this.downloads.send(asked, answer, null).catch(() => undefined);
    events.push('returned');
  }
}

describe.each(pairs.filter(({ orm }) => orm === 'typeorm'))('a download on $platform', (pair) => {
  it('ends for the interceptors around it, also when the client has left before', async () => {
    const site = await openSite(pair, { controllers: () => [Documents] });
    try {
      events.length = 0;
      const file = await site.files.stage(Document, 'file', Buffer.from('hello'), { name: 'a.txt' });
      await site.app.get(Rows).save({ slug: 'notes', file });
      expect((await request(site.url).get('/documents/by-route/notes')).text).toBe('hello');
      await happened('route ended');
      expect((await request(site.url).get('/documents/by-hand/notes')).status).toBe(404);
      await happened('hand ended');
      await request(site.url)
        .get('/documents/left')
        .catch(() => undefined);
      await happened('returned');
      await happened('left ended');
    } finally {
      await site.close();
    }
  });
});

it('FileDownloads and FilesHealthIndicator know each connection by its name', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'filefield-nest-'));
  @Controller()
  class Archive {
    constructor(
      private readonly downloads: FileDownloads,
      private readonly health: FilesHealthIndicator,
    ) {}
    @Get(':connection')
    async file(@Param('connection') connection: string, @Req() asked: object, @Res() answer: object) {
      await this.downloads.send(asked, answer, archived, connection === 'archive' ? { connection } : {});
    }
    check = async () => [await this.health.check('own'), await this.health.check('other', { connection: 'archive' })];
  }
  const storages = { documents: new DiskStorage({ root }) };
  const building = await Test.createTestingModule({
    controllers: [Archive],
    imports: [
      typeormConnection(),
      typeormConnection('archive'),
      FilesModule.forRoot({ storages, protection: 'off' }),
      FilesModule.forRoot({
        connection: 'archive',
        storages,
        protection: 'off',
        delivery: xAccelRedirect({ [root]: '/_archive' }),
      }),
    ],
  })
    .setLogger(new Errors())
    .compile();
  const app = building.createNestApplication();
  await app.init();
  const files = app.get<Files>(getFilesToken('archive'));
  const archived = await files.stage(Document, 'file', Buffer.from('hello'), { name: 'a.txt' });
  try {
    const get = (connection: string) => request(app.getHttpServer()).get(`/${connection}`);
    expect((await get('archive')).headers['x-accel-redirect']).toMatch(/^\/_archive\//);
    expect((await get('default')).text).toBe('hello');
    expect(await app.get(Archive).check()).toEqual([{ own: { status: 'up' } }, { other: { status: 'up' } }]);
    await app.get<DataSource>(getDataSourceToken('archive')).query('DROP TABLE file_ledger');
    expect(await app.get(Archive).check()).toMatchObject([{ own: { status: 'up' } }, { other: { status: 'down' } }]);
  } finally {
    await app.close();
    await rm(root, { recursive: true });
  }
});

describe('FileErrorsFilter', () => {
  const error = new FileFieldError('not_found', 'Nothing is here.');
  const hostOf = (type: string, response: object) =>
    ({ getType: () => type, switchToHttp: () => ({ getResponse: () => response }) }) as unknown as ArgumentsHost;

  it('leaves gateways, microservices and GraphQL to their own filters', () => {
    expect(() => new FileErrorsFilter().catch(error, hostOf('ws', {}))).toThrow(error);
  });

  it.each([{ headersSent: true }, { sent: true }])('sends nothing after a response that has begun: %j', (state) => {
    const touched = () => {
      throw new Error('touched');
    };
    const response = { ...state, status: touched, header: touched, send: touched };
    expect(() => new FileErrorsFilter().catch(error, hostOf('http', response))).not.toThrow();
  });
});

it('only a copy with exactly the properties of a received file is taken for it', async () => {
  const site = await openSite(pairs[0]!, { controllers: () => [] });
  try {
    const file = await site.files.stage(Document, 'file', Buffer.from('hello'), { name: 'a.txt' });
    const others = [{ ...file, size: 6 }, { ...file, extra: 1 }, { name: 'a.txt' }, null, 'a.txt'];
    const body = { file: { ...file }, ...others };
    expect(withReceived({ file }, () => restoreFiles(body))).toEqual({ file, ...others });
    expect(body.file).toBe(file);
  } finally {
    await site.close();
  }
});

it('@IsStagedFile describes a list, and keeps what @ApiProperty says beside the type', () => {
  class Album {
    @IsStagedFile({ each: true }) @ApiProperty({ description: 'The photos.', type: Number }) photos!: object[];
  }
  expect(Reflect.getMetadata('swagger/apiModelProperties', Album.prototype, 'photos')).toMatchObject({
    description: 'The photos.',
    type: 'string',
    format: 'binary',
    isArray: true,
  });
});
