import {
  Controller,
  Get,
  Headers,
  NotFoundException,
  Param,
  Req,
  Res,
  UseGuards,
  type CanActivate,
} from '@nestjs/common';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import request from 'supertest';
import { pathView, virtualView, xAccelRedirect, type Files } from 'filefield';
import { FileDownloads, InjectFiles } from 'filefield/nest';
import { DiskStorage } from 'filefield/storages/disk';
import { Document, MikroDocument, openSite, pairs, Rows, seedRows, type Site } from './site.js';

class Nobody implements CanActivate {
  canActivate = () => false;
}

const hooked: string[] = [];

function controllers(entity: typeof Document) {
  @Controller('documents')
  class Documents {
    constructor(
      @InjectFiles() private readonly files: Files,
      private readonly downloads: FileDownloads,
    ) {}

    @Get(':slug/file')
    async file(
      @Param('slug') slug: string,
      @Req() asked: object,
      @Res() answer: object,
      @Headers('x-user') user = 'ada',
    ) {
      const row = await this.files.findObject(entity, { slug });
      if (!row || row.owner !== user) throw new NotFoundException('Not yours.');
      await this.downloads.send(asked, answer, row.file, {
        disposition: 'inline',
        fileName: (_request, file) => `copy of ${file.name}`,
        onComplete: (_request, file) => hooked.push(file.name),
      });
    }

    @Get('guarded')
    @UseGuards(Nobody)
    guarded(@Req() asked: object, @Res() answer: object) {
      return this.downloads.send(asked, answer, null);
    }

    @Get('package')
    package(@Req() asked: object, @Res() answer: object) {
      return this.downloads.send(asked, answer, pathView({ root: '.', path: 'package.json' }));
    }

    @Get('report')
    report(@Req() asked: object, @Res() answer: object) {
      const report = virtualView(() => ({ name: 'report.txt', content: 'made now' }));
      return this.downloads.send(asked, answer, report);
    }

    @Get('fails')
    fails(@Req() asked: object, @Res() answer: object) {
      const failing = virtualView(() => {
        throw new Error('secret of the application');
      });
      return this.downloads.send(asked, answer, failing);
    }

    @Get('wrong')
    async wrong(@Req() asked: object) {
      await this.downloads.send(asked, undefined as never, null).catch((error: { code: string; message: string }) => {
        throw new NotFoundException(`${error.code}: ${error.message}`);
      });
    }

    @Get('archive')
    archive(@Req() asked: object, @Res() answer: object) {
      return this.downloads.send(asked, answer, null, { connection: 'archive' });
    }
  }
  return [Documents];
}

describe.each(pairs)('FileDownloads on $platform with $orm', (pair) => {
  const entity = pair.orm === 'typeorm' ? Document : MikroDocument;
  let site: Site;
  const get = (where: string) => request(site.url).get(`/documents/${where}`);
  beforeAll(async () => {
    site = await openSite(pair, { controllers });
    await seedRows(site, entity, 'größe.txt');
  });
  beforeEach(() => void site.errors.lines.splice(0));
  afterAll(() => site.close());

  it('answers with a file that the handler has found, its ranges, and 304 to a client that has it', async () => {
    const whole = await get('notes/file');
    expect({ status: whole.status, text: whole.text }).toEqual({ status: 200, text: '0123456789' });
    expect(whole.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '10',
      'content-disposition': `inline; filename="copy of gr__e.txt"; filename*=UTF-8''copy%20of%20gr%C3%B6%C3%9Fe.txt`,
      'x-content-type-options': 'nosniff',
    });
    expect(hooked).toContain('größe.txt');
    const part = await get('notes/file').set('range', 'bytes=2-4');
    expect({ status: part.status, text: part.text }).toEqual({ status: 206, text: '234' });
    expect((await get('notes/file').set('if-none-match', whole.headers['etag']!)).status).toBe(304);
    const head = await request(site.url).head('/documents/notes/file');
    expect({ status: head.status, length: head.headers['content-length'] }).toEqual({ status: 200, length: '10' });
    expect(site.errors.lines).toEqual([]);
  });

  it('leaves guards, exceptions of the handler and their answers to Nest', async () => {
    expect((await get('guarded')).status).toBe(403);
    expect((await get('notes/file').set('x-user', 'bob')).body).toEqual({
      statusCode: 404,
      error: 'Not Found',
      message: 'Not yours.',
    });
    expect(site.errors.lines).toEqual([]);
  });

  it.each(['empty', 'lost'])('answers 404 for a file that is %s, by the filter', async (slug) => {
    const { status, body } = await get(`${slug}/file`);
    expect({ status, body }).toEqual({
      status: 404,
      body: { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' },
    });
    expect(site.errors.lines).toEqual([]);
  });

  it('answers with what a view finds, and logs a view that fails once', async () => {
    expect((await get('package')).body).toMatchObject({ name: 'filefield' });
    expect((await get('report')).text).toBe('made now');
    const { status, body } = await get('fails');
    expect({ status, body }).toEqual({ status: 500, body: { statusCode: 500, message: 'Internal server error' } });
    expect(site.errors.lines).toEqual([expect.objectContaining({ message: 'secret of the application' })]);
  });

  it('says what to pass, and fails for a connection that is not there', async () => {
    expect((await get('wrong')).body.message).toMatch(/^invalid_option: .*@Req\(\) and @Res\(\)/);
    expect((await get('archive')).status).toBe(500);
  });
});

describe.each(pairs.filter(({ orm }) => orm === 'typeorm'))('the delivery of the module on $platform', (pair) => {
  it('sends the bytes of FileDownloads, unless the call has one of its own', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'filefield-nest-'));
    @Controller()
    class Downloads {
      constructor(
        @InjectFiles() private readonly files: Files,
        private readonly downloads: FileDownloads,
      ) {}
      @Get(':delivery')
      async file(@Param('delivery') delivery: string, @Req() asked: object, @Res() answer: object) {
        const row = await this.files.findObject(Document, { slug: 'notes' });
        await this.downloads.send(asked, answer, row!.file, delivery === 'none' ? { delivery: 'none' } : {});
      }
    }
    const site = await openSite(pair, {
      controllers: () => [Downloads],
      module: {
        storages: { documents: new DiskStorage({ root }) },
        delivery: xAccelRedirect({ [root]: '/_files' }),
      },
    });
    try {
      const file = await site.files.stage(Document, 'file', Buffer.from('hello'), { name: 'a.txt' });
      await site.app.get(Rows).save({ slug: 'notes', file });
      const { status, headers } = await request(site.url).get('/module');
      expect({ status, to: headers['x-accel-redirect'] }).toEqual({
        status: 200,
        to: `/_files/${file.toDescriptor().key}`,
      });
      expect((await request(site.url).get('/none')).text).toBe('hello');
    } finally {
      await site.close();
      await rm(root, { recursive: true });
    }
  });
});
