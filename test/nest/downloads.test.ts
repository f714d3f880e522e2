import {
  Controller,
  ForbiddenException,
  Get,
  Header,
  Headers,
  NotFoundException,
  Param,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { jest } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import request from 'supertest';
import { FileFieldError, type Files } from 'filefield';
import { Download, DownloadedRow, InjectFiles, toStreamable } from 'filefield/nest';
import { Document, MikroDocument, openSite, pairs, platforms, seedRows, type Site } from './site.js';

class LoggedIn implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (headers['authorization']) return true;
    throw new ForbiddenException('Log in.');
  }
}

let handled = 0;

function controllers(entity: typeof Document) {
  @Controller('documents')
  class Documents {
    constructor(@InjectFiles() private readonly files: Files) {}

    @Get(':slug/file')
    @Download(entity, { field: 'file', slugField: 'slug', disposition: 'inline' })
    file(@DownloadedRow() row: Document, @Headers('x-user') user = row.owner) {
      handled += 1;
      if (user !== row.owner) throw new NotFoundException('Not yours.');
    }

    @UseGuards(LoggedIn)
    @Get(':slug/guarded')
    @Download(entity, { field: 'file', slugField: 'slug' })
    guarded() {}

    @Get(':slug/false')
    @Download(entity, { field: 'file', slugField: 'slug', onDenied: 403 })
    async refuses(): Promise<boolean> {
      return false;
    }

    @Download(entity, {
      field: 'file',
      slugField: 'slug',
      where: (asked: { headers: object }) => ({ owner: 'ada' in asked.headers ? 'ada' : 'bob' }),
    })
    @Get(':slug/where')
    scoped(): void {}

    @Get(':slug/fails')
    @Download(entity, { field: 'file', slugField: 'slug' })
    fails() {
      throw new Error('secret of the application');
    }

    @Get(':slug/streamable')
    @Header('x-own', 'yes')
    async streamable(@Param('slug') slug: string) {
      const row = await this.files.findObject(entity, { slug });
      return toStreamable(row!.file!);
    }
  }
  return [Documents];
}

describe.each(pairs)('@Download on $platform with $orm', (pair) => {
  let site: Site;
  const get = (path: string) => request(site.url).get(`/documents/${path}`);
  beforeAll(async () => {
    site = await openSite(pair, { controllers });
    await seedRows(site, pair.orm === 'typeorm' ? Document : MikroDocument, 'größe "1".txt');
  });
  beforeEach(() => void site.errors.lines.splice(0));
  afterAll(() => site.close());

  it('sends the file, ranges of it, and 304 to a client that has it', async () => {
    const whole = await get('notes/file');
    expect({ status: whole.status, text: whole.text }).toEqual({ status: 200, text: '0123456789' });
    expect(whole.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '10',
      'content-disposition': `inline; filename="gr__e _1_.txt"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.txt`,
    });
    const part = await get('notes/file').set('range', 'bytes=2-4');
    expect({ status: part.status, text: part.text, range: part.headers['content-range'] }).toEqual({
      status: 206,
      text: '234',
      range: 'bytes 2-4/10',
    });
    expect((await get('notes/file').set('if-none-match', whole.headers['etag']!)).status).toBe(304);
    expect((await get('notes/file').set('range', 'bytes=50-')).status).toBe(416);
    const head = await request(site.url).head('/documents/notes/file');
    expect({ status: head.status, length: head.headers['content-length'] }).toEqual({ status: 200, length: '10' });
    expect(site.errors.lines).toEqual([]);
  });

  it('lets the handler refuse by an exception, which the filters of Nest answer', async () => {
    const { status, body } = await get('notes/file').set('x-user', 'bob');
    expect({ status, body }).toEqual({
      status: 404,
      body: { statusCode: 404, error: 'Not Found', message: 'Not yours.' },
    });
    expect(site.errors.lines).toEqual([]);
  });

  it('refuses when the handler returns false', async () => {
    const { status, body } = await get('notes/false');
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' });
  });

  it('runs guards before the row is looked for', async () => {
    expect((await get('nothing/guarded')).status).toBe(403);
    expect((await get('nothing/guarded').set('authorization', 'yes')).status).toBe(404);
    expect((await get('notes/guarded').set('authorization', 'yes')).text).toBe('0123456789');
  });

  it('asks a scope that depends on the request', async () => {
    expect((await get('notes/where')).status).toBe(404);
    expect((await get('notes/where').set('ada', '1')).status).toBe(200);
  });

  it.each(['nothing', 'empty', 'lost'])(
    'answers 404 for %s, without an error in the log and without the handler for no row',
    async (slug) => {
      handled = 0;
      const { status, body } = await get(`${slug}/file`);
      expect({ status, body }).toEqual({
        status: 404,
        body: { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' },
      });
      expect(site.errors.lines).toEqual([]);
      if (slug === 'nothing') expect(handled).toBe(0);
    },
  );

  it('logs a handler that fails once, and tells the client nothing', async () => {
    const { status, body } = await get('notes/fails');
    expect({ status, body }).toEqual({ status: 500, body: { statusCode: 500, message: 'Internal server error' } });
    expect(site.errors.lines).toEqual([expect.objectContaining({ message: 'secret of the application' })]);
  });

  it('has the type, the length and the name of a file in a StreamableFile', async () => {
    const { status, text, headers } = await get('notes/streamable');
    expect({ status, text, own: headers['x-own'] }).toEqual({ status: 200, text: '0123456789', own: 'yes' });
    expect(headers).toMatchObject({
      'content-length': '10',
      'content-disposition': `attachment; filename="gr__e _1_.txt"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.txt`,
    });
    expect(headers['content-type']).toContain('text/plain');
    expect((await get('lost/streamable')).status).toBe(pair.platform === 'express' ? 404 : 500);
  });

  it('breaks off a StreamableFile whose storage fails in the middle, and goes on', async () => {
    const read = jest.spyOn(site.storage, 'read').mockImplementationOnce(async () => ({
      size: 10,
      info: { size: 10 },
      async *stream() {
        yield Buffer.from('01234');
        await new Promise((resolve) => setTimeout(resolve, 50));
        throw new FileFieldError('storage_failed', 'The bucket hung up.');
      },
      close: () => undefined,
    }));
    const answer = await fetch(`${site.url}/documents/notes/streamable`);
    expect({ status: answer.status, length: answer.headers.get('content-length') }).toEqual({
      status: 200,
      length: '10',
    });
    const begun = performance.now();
    await expect(answer.text()).rejects.toThrow();
    // Not only when the server gives up an idle connection, five seconds later.
    expect(performance.now() - begun).toBeLessThan(4000);
    read.mockRestore();
    expect((await get('notes/streamable')).text).toBe('0123456789');
  });

  it('survives clients that leave before the answer', async () => {
    for (let wait = 0; wait < 10; wait += 1) {
      await new Promise<void>((resolve) => {
        const asking = httpRequest(`${site.url}/documents/notes/file`);
        asking.on('error', () => resolve());
        asking.on('close', () => resolve());
        asking.on('response', (response) => response.destroy());
        asking.end();
        setTimeout(() => asking.destroy(), wait);
      });
    }
    expect((await get('notes/file')).status).toBe(200);
    expect(site.errors.lines).toEqual([]);
  });
});

describe.each(Object.keys(platforms) as (keyof typeof platforms)[])('without FileErrorsFilter on %s', (platform) => {
  it('has the status of the error all the same', async () => {
    const site = await openSite({ platform, orm: 'typeorm' }, { controllers, filter: null });
    try {
      const { status, body } = await request(site.url).get('/documents/nothing/file');
      expect({ status, body }).toEqual({ status: 404, body: { statusCode: 404, message: 'Not Found' } });
    } finally {
      await site.close();
    }
  });
});

it('does not start with a field that the entity does not have', async () => {
  const wrong = (entity: typeof Document) => {
    @Controller()
    class Wrong {
      @Get(':id')
      @Download(entity, { field: 'owner' as 'file' })
      file() {}
    }
    return [Wrong];
  };
  await expect(openSite(pairs[0]!, { controllers: wrong })).rejects.toMatchObject({ code: 'invalid_option' });
});
