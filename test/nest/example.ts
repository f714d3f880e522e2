import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import type { Files } from 'filefield';
import { getFilesToken } from 'filefield/nest';
import { expectNoOrphans } from 'filefield/testing';
import { Errors, platforms, statusOfHead } from './site.js';

interface Running {
  readonly app: INestApplication;
  readonly files: Files;
  readonly url: string;
  readonly errors: Errors;
  /** The stored files, after a sweep of what has been given up. */
  readonly kept: () => Promise<string[]>;
  readonly close: () => Promise<void>;
}

/** Starts `entities-example/nest` with a new folder. */
async function start(platform: keyof typeof platforms): Promise<Running> {
  const data = await mkdtemp(path.join(tmpdir(), 'filefield-nest-example-'));
  Object.assign(process.env, { EXAMPLE_DATA: data, EXAMPLE_GRACE: '0' });
  const { AppModule } = await import('../../entities-example/nest/app.module.js');
  const errors = new Errors();
  const building = await Test.createTestingModule({ imports: [AppModule] })
    .setLogger(errors)
    .compile();
  const app = building.createNestApplication(platforms[platform]() as never);
  await app.listen(0, '127.0.0.1');
  const files = app.get<Files>(getFilesToken());
  return {
    app,
    files,
    errors,
    url: await app.getUrl(),
    async kept() {
      await files.sweep();
      await expectNoOrphans(files);
      const folder = path.join(data, 'documents');
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      const stored = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('filefield-fence'));
      return stored.map(({ name }) => name);
    },
    async close() {
      await app.close();
      await rm(data, { recursive: true });
    },
  };
}

const text = Buffer.from('0123456789');
const view = (slug: string, name: string) => ({
  slug,
  title: 'Notes',
  file: { name, size: 10, type: 'text/plain', url: `/documents/${slug}/file` },
});

/** The claims about the example, with the ORM that `EXAMPLE_ORM` names. */
export function describeExample(orm: 'typeorm' | 'mikro'): void {
  process.env.EXAMPLE_ORM = orm;

  describe.each(['express', 'fastify'] as const)(`the example on %s with ${orm}`, (platform) => {
    let site: Running;
    const as = (user: string) => {
      const send = (method: 'get' | 'post' | 'put' | 'delete', where: string) =>
        request(site.url)[method](`/documents${where}`).set('authorization', `Bearer ${user}`);
      return {
        get: (where = '') => send('get', where),
        post: (where = '') => send('post', where),
        put: (where: string) => send('put', where),
        delete: (where: string) => send('delete', where),
        create: (slug = 'notes', name = 'größe.txt') =>
          send('post', '').field('slug', slug).field('title', 'Notes').attach('file', text, name),
      };
    };
    const ada = as('ada');
    const bob = as('bob');
    beforeEach(async () => {
      site = await start(platform);
    });
    afterEach(() => site.close());

    it('keeps a document with its file and lists it with its URL, for its owner', async () => {
      const created = await ada.create();
      expect({ status: created.status, body: created.body }).toEqual({ status: 201, body: view('notes', 'größe.txt') });
      expect((await ada.create('more', 'b.txt')).status).toBe(201);
      expect((await ada.get()).body).toEqual([view('more', 'b.txt'), view('notes', 'größe.txt')]);
      expect((await bob.get()).body).toEqual([]);
      expect(await site.kept()).toHaveLength(2);
    });

    it('refuses a stranger before a byte of the form is read', async () => {
      // The body never comes, so a server that waits for it does not answer.
      expect(await statusOfHead(`${site.url}/documents`)).toBe(401);
      expect((await request(site.url).get('/documents/notes/file')).status).toBe(401);
    });

    it('keeps nothing of a form that it refuses', async () => {
      const wrong = await ada.create('Not a slug');
      expect({ status: wrong.status, message: wrong.body.message }).toEqual({
        status: 400,
        message: ['slug must be lower-case words joined by hyphens'],
      });
      const none = await ada.post().field('slug', 'notes').field('title', 'Notes');
      expect({ status: none.status, message: none.body.message }).toEqual({
        status: 400,
        message: ['file must be a file'],
      });
      expect(await site.kept()).toEqual([]);
      expect((await ada.create()).status).toBe(201);
      const taken = await bob.create();
      expect({ status: taken.status, message: taken.body.message }).toEqual({
        status: 409,
        message: 'Another document has this slug.',
      });
      expect(await site.kept()).toHaveLength(1);
      expect(site.errors.lines).toEqual([]);
    });

    it('answers a file of another type with 415, and one that is too large with 413', async () => {
      const png = Buffer.from(
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg',
        'base64',
      );
      const wrong = await ada.post().field('slug', 'notes').field('title', 'Notes').attach('file', png, 'a.txt');
      expect({ status: wrong.status, body: wrong.body }).toMatchObject({
        status: 415,
        body: { code: 'wrong_type', field: 'file', rule: 'accept' },
      });
      const large = await ada.post().field('slug', 'notes').attach('file', Buffer.alloc(5_000_001, 'a'), 'a.txt');
      expect({ status: large.status, body: large.body }).toMatchObject({
        status: 413,
        body: { code: 'too_large', field: 'file', rule: 'maxSize', limit: 5_000_000 },
      });
      expect(await site.kept()).toEqual([]);
      expect(site.errors.lines).toEqual([]);
    });

    it('sends a file, a range of it, or 304, to its owner only', async () => {
      await ada.create();
      const whole = await ada.get('/notes/file');
      expect({ status: whole.status, text: whole.text }).toEqual({ status: 200, text: '0123456789' });
      expect(whole.headers['content-disposition']).toMatch(/^inline; .*gr%C3%B6%C3%9Fe\.txt$/);
      const part = await ada.get('/notes/file').set('range', 'bytes=-3');
      expect({ status: part.status, text: part.text }).toEqual({ status: 206, text: '789' });
      expect((await ada.get('/notes/file').set('if-none-match', whole.headers['etag']!)).status).toBe(304);
      expect((await ada.get('/notes/file').set('range', 'bytes=99-')).status).toBe(416);
      const others = await bob.get('/notes/file');
      expect({ status: others.status, body: others.body }).toEqual({
        status: 404,
        body: { statusCode: 404, error: 'Not Found', code: 'not_found', message: 'Not Found' },
      });
      expect(site.errors.lines).toEqual([]);
    });

    it('replaces and deletes, after which the old bytes are gone', async () => {
      await ada.create();
      const before = await site.kept();
      const put = (user: typeof ada) => user.put('/notes/file').attach('file', Buffer.from('9876543210'), 'new.txt');
      expect((await put(bob)).status).toBe(404);
      expect(await site.kept()).toEqual(before);
      const replaced = await put(ada);
      expect({ status: replaced.status, body: replaced.body }).toEqual({ status: 200, body: view('notes', 'new.txt') });
      expect((await ada.get('/notes/file')).text).toBe('9876543210');
      const after = await site.kept();
      expect(after).toHaveLength(1);
      expect(after).not.toEqual(before);
      expect((await bob.delete('/notes')).status).toBe(404);
      expect((await ada.delete('/notes')).status).toBe(204);
      expect((await ada.get('/notes/file')).status).toBe(404);
      expect(await site.kept()).toEqual([]);
    });

    it('takes a file first and its form later, from the same user', async () => {
      const { status, body } = await ada.post('/uploads').attach('file', text, 'first.txt');
      expect({ status, body }).toEqual({ status: 201, body: { ticket: expect.any(String) } });
      const form = { slug: 'notes', title: 'Notes', ticket: (body as { ticket: string }).ticket };
      const stolen = await bob.post('/from-ticket').send(form);
      expect({ status: stolen.status, code: stolen.body.code }).toEqual({ status: 403, code: 'forbidden' });
      expect((await ada.post('/from-ticket').send({ ...form, ticket: `${form.ticket}x` })).status).toBe(403);
      expect((await ada.post('/from-ticket').send({ ...form, ticket: { for: 'ada' } })).status).toBe(400);
      const created = await ada.post('/from-ticket').send(form);
      expect({ status: created.status, body: created.body }).toEqual({ status: 201, body: view('notes', 'first.txt') });
      const again = await ada.post('/from-ticket').send({ ...form, slug: 'twice' });
      expect({ status: again.status, code: again.body.code }).toEqual({ status: 409, code: 'already_bound' });
      expect(await site.kept()).toHaveLength(1);
    });

    it('describes its forms, views and routes for swagger, and is healthy', async () => {
      const { paths, components } = SwaggerModule.createDocument(site.app, new DocumentBuilder().build());
      const binary = { type: 'string', format: 'binary' };
      expect(paths['/documents']?.post?.requestBody).toMatchObject({
        content: {
          'multipart/form-data': {
            schema: {
              allOf: [{ $ref: '#/components/schemas/CreateDocument' }, { properties: { file: binary } }],
            },
          },
        },
      });
      expect(components?.schemas?.['CreateDocument']).toMatchObject({
        properties: { slug: { type: 'string' }, title: { type: 'string' }, file: binary },
        required: ['slug', 'title', 'file'],
      });
      expect(components?.schemas?.['DocumentView']).toMatchObject({
        properties: { file: { nullable: true, properties: { url: { type: 'string' } } } },
      });
      expect(paths['/documents/{slug}/file']?.put?.responses['200']).toMatchObject({
        content: { 'application/json': { schema: { $ref: '#/components/schemas/DocumentView' } } },
      });
      expect(Object.keys(paths)).toEqual([
        '/documents',
        '/documents/uploads',
        '/documents/from-ticket',
        '/documents/{slug}/file',
        '/documents/{slug}',
        '/health',
      ]);
      const { status, body } = await request(site.url).get('/health');
      expect({ status, details: body.details }).toEqual({ status: 200, details: { files: { status: 'up' } } });
    });
  });
}
