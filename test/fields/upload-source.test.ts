import fastifyMultipart from '@fastify/multipart';
import express, { type Request } from 'express';
import fastify from 'fastify';
import multer from 'multer';
import { existsSync, promises as fsp, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dataUri, errorStatus, isFileFieldError, remoteFile, type StoredFile, type UploadSource } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { toUpload } from '../../src/fields/upload-source.js';
import { filesFor, Letter } from '../support/fields.js';

const ends: (() => unknown)[] = [];
let folder: string;
beforeAll(async () => void (folder = await fsp.mkdtemp(path.join(tmpdir(), 'filefield-'))));
afterAll(async () => {
  for (const end of ends) await end();
  await fsp.rm(folder, { recursive: true });
});

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  ends.push(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const name = 'Grüße 東京.txt';
const content = 'Grüße';

async function post(url: string, bytes: Buffer | string = content): Promise<{ status: number; body: unknown }> {
  const form = new FormData();
  form.set('file', new File([bytes], name));
  const response = await fetch(url, { method: 'POST', body: form });
  return { status: response.status, body: await response.json() };
}

const disk = () => Object.assign(new DiskStorage({ root: path.join(folder, 'root') }), { volatile: true });
const stored = { status: 200, body: { name, size: 7, type: 'text/plain' } };

/** An Express application that stages what multer gives. */
function withMulter(
  engine: multer.Options,
  stage: (file: Express.Multer.File) => Promise<StoredFile>,
): Promise<string> {
  const app = express();
  app.post('/', multer(engine).single('file'), (request: Request, response) => {
    stage(request.file!).then(
      (file) => response.json(file),
      (error: unknown) => response.status(errorStatus(error)).json(isFileFieldError(error) && error.code),
    );
  });
  return listen(app);
}

describe('multer', () => {
  it('has its files in memory staged, under the name that was sent', async () => {
    const { files } = filesFor();
    const url = await withMulter({ storage: multer.memoryStorage() }, (file) => files.stage(Letter, 'file', file));
    expect(await post(url)).toEqual(stored);
  });

  it('has its files on the disk staged; they stay', async () => {
    const { files } = filesFor();
    const dest = path.join(folder, 'stays');
    const url = await withMulter({ dest }, (file) => files.stage(Letter, 'file', file));
    expect(await post(url)).toEqual(stored);
    expect(readdirSync(dest)).toHaveLength(1);
  });

  it('has its files moved into a storage on the same disk, and none stays', async () => {
    const { files } = filesFor({}, disk());
    const dest = path.join(folder, 'moved');
    let inode = 0;
    const inodes: number[] = [];
    const url = await withMulter({ dest }, async (file) => {
      inode = (await fsp.stat(file.path)).ino;
      const kept = await files.stage(Letter, 'file', { ...file, temporary: true });
      inodes.push((await fsp.stat(kept.localPath!)).ino);
      expect(await kept.text()).toBe(content);
      return kept;
    });
    expect(await post(url)).toEqual(stored);
    expect(inodes).toEqual([inode]);
    expect(readdirSync(dest)).toEqual([]);
  });

  it('leaves no file when the upload is refused', async () => {
    const { files } = filesFor({ maxSize: 3 }, disk());
    const dest = path.join(folder, 'refused');
    const url = await withMulter({ dest }, (file) => files.stage(Letter, 'file', { ...file, temporary: true }));
    expect(await post(url)).toEqual({ status: 413, body: 'too_large' });
    expect(readdirSync(dest)).toEqual([]);
  });
});

describe('@fastify/multipart', () => {
  const { files, memory } = filesFor();

  async function serve(options: object, one: (request: never) => Promise<UploadSource>): Promise<string> {
    const app = fastify();
    await app.register(fastifyMultipart as never, options as never);
    app.post('/', async (request, reply) => {
      const staged = files.stage(Letter, 'file', await one(request as never));
      return staged.catch((error: unknown) => reply.status(errorStatus(error)).send({ error: String(error) }));
    });
    ends.push(() => app.close());
    return app.listen({ port: 0, host: '127.0.0.1' });
  }

  type WithFile = { file(options?: object): Promise<UploadSource>; body: { file: UploadSource } };

  it('has its files staged while they arrive', async () => {
    expect(await post(await serve({}, (request: WithFile) => request.file()))).toEqual(stored);
  });

  it('has its files staged after it has read them', async () => {
    const url = await serve({ attachFieldsToBody: true }, async (request: WithFile) => request.body.file);
    expect(await post(url)).toEqual(stored);
  });

  it('has a file that it cuts refused with 413', async () => {
    const before = memory.keys.length;
    const limits = { limits: { fileSize: 100_000 }, throwFileSizeLimit: false };
    const url = await serve({}, (request: WithFile) => request.file(limits));
    expect((await post(url, Buffer.alloc(1_000_000))).status).toBe(413);
    expect(memory.keys).toHaveLength(before);
  });

  it('has a file whose bytes something else has taken refused', async () => {
    const url = await serve({}, async (request: WithFile) => {
      const part = (await request.file()) as unknown as { file: AsyncIterable<unknown> };
      for await (const chunk of part.file) void chunk;
      return part as never;
    });
    expect((await post(url)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('graphql-upload', () => {
  it('has its files staged', async () => {
    const { files } = filesFor();
    // The package has no types.
    const { default: processRequest } = (await import('graphql-upload/processRequest.mjs' as string)) as {
      default: (...values: unknown[]) => Promise<unknown>;
    };
    const url = await listen((request, response) => {
      void (async () => {
        const operation = (await processRequest(request, response)) as {
          variables: { file: { promise: Promise<never> } };
        };
        const file = await files.stage(Letter, 'file', await operation.variables.file.promise);
        response.end(JSON.stringify(file));
      })();
    });
    const form = new FormData();
    form.set('operations', JSON.stringify({ query: '', variables: { file: null } }));
    form.set('map', JSON.stringify({ 1: ['variables.file'] }));
    form.set('1', new File([content], name));
    const response = await fetch(url, { method: 'POST', body: form });
    expect(await response.json()).toEqual(stored.body);
  });
});

describe('a response of fetch', () => {
  let url: string;
  beforeAll(async () => {
    const responses: Readonly<Record<string, [number, Record<string, string>, string]>> = {
      '/plain/b%20c.txt': [200, { 'content-length': '5' }, 'hello'],
      '/named': [
        200,
        { 'content-disposition': `attachment; filename="x"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt` },
        'hello',
      ],
      '/raw': [
        200,
        { 'content-disposition': Buffer.from('attachment; filename="Grüße.txt"').toString('latin1') },
        'hello',
      ],
      '/bad': [200, { 'content-disposition': 'attachment; filename=' }, 'hello'],
      '/missing': [404, {}, 'no such file'],
      '/part': [206, { 'content-range': 'bytes 0-4/10' }, 'hello'],
    };
    url = await listen((request, response) => {
      const [status, headers, body] = responses[request.url!]!;
      response.writeHead(status, headers).end(body);
    });
  });

  it.each([
    ['/plain/b%20c.txt', 'b c.txt'],
    ['/named', 'Grüße.txt'],
    ['/raw', 'Grüße.txt'],
    ['/bad', 'bad'],
  ])('from %s is staged as %s', async (where, expected) => {
    const { files } = filesFor();
    const file = await files.stage(Letter, 'file', await fetch(`${url}${where}`));
    expect([file.name, await file.text()]).toEqual([expected, 'hello']);
  });

  it.each(['/missing', '/part'])('from %s is refused, and its body cancelled', async (where) => {
    const { files } = filesFor();
    const response = await fetch(`${url}${where}`);
    const error = await files.stage(Letter, 'file', response).catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining(`${response.status}`) as string,
    });
    expect(response.bodyUsed).toBe(true);
  });

  it('has the size of its Content-Length, unless its bytes were decoded', async () => {
    const size = async (headers: Record<string, string>) => (await toUpload(new Response('hello', { headers }))).size;
    expect(await size({ 'content-length': '5' })).toBe(5);
    expect(await size({ 'content-length': '5', 'content-encoding': 'gzip' })).toBeUndefined();
    expect(await size({ 'content-length': '5, 5' })).toBeUndefined();
  });

  it('without a body is an empty file', async () => {
    expect((await filesFor().files.stage(Letter, 'file', new Response(null))).size).toBe(0);
  });
});

describe('remoteFile', () => {
  it('is staged from a server; a private address is refused', async () => {
    const url = await listen((_request, response) => void response.end('hello'));
    const { files } = filesFor();
    const file = await files.stage(Letter, 'file', remoteFile(`${url}/a.txt`, { allowPrivate: true }));
    expect([file.name, await file.text()]).toEqual(['a.txt', 'hello']);
    const refused = files.stage(Letter, 'file', remoteFile(`${url}/a.txt`));
    await expect(refused).rejects.toMatchObject({ code: 'upstream_failed' });
  });
});

describe('dataUri', () => {
  it('is staged, and refused by its size before it is decoded', async () => {
    const uri = `data:text/plain;base64,${Buffer.from(content).toString('base64')}`;
    const file = await filesFor().files.stage(Letter, 'file', dataUri(uri, { name }));
    expect([file.name, await file.text()]).toEqual([name, content]);
    const { files, ledger } = filesFor({ maxSize: 6 });
    await expect(files.stage(Letter, 'file', dataUri(uri))).rejects.toMatchObject({ code: 'too_large' });
    expect(ledger.statements).toEqual([]);
  });
});

describe('a local file', () => {
  it('stays unless it is temporary, and is copied where it cannot be moved', async () => {
    const { files } = filesFor();
    const file = path.join(folder, 'local.txt');
    await fsp.writeFile(file, content);
    await files.stage(Letter, 'file', { path: file });
    expect(existsSync(file)).toBe(true);
    expect(await (await files.stage(Letter, 'file', { path: file, temporary: true })).text()).toBe(content);
    expect(existsSync(file)).toBe(false);
  });

  it('that takes the place of one that is being read stays, and the one that was opened is stored', async () => {
    const file = path.join(folder, 'replaced.txt');
    await fsp.writeFile(file, content);
    const { files } = filesFor({}, disk());
    files.on('intended', () => {
      writeFileSync(`${file}.new`, 'the next one');
      renameSync(`${file}.new`, file);
    });
    expect(await (await files.stage(Letter, 'file', { path: file, temporary: true })).text()).toBe(content);
    expect(await fsp.readFile(file, 'utf8')).toBe('the next one');
  });

  it('that took the place of one that was moved stays', async () => {
    const file = path.join(folder, 'successor.txt');
    await fsp.writeFile(file, content);
    const check = () => fsp.writeFile(file, 'the next one');
    const { files } = filesFor({ check }, disk());
    await files.stage(Letter, 'file', { path: file, temporary: true });
    expect(await fsp.readFile(file, 'utf8')).toBe('the next one');
  });
});

describe('readAt', () => {
  const bytes = Buffer.from('0123456789');

  it.each<[string, () => Promise<UploadSource>]>([
    ['bytes', async () => bytes],
    ['a Blob', async () => new Blob([bytes])],
    [
      'a local file',
      async () => {
        await fsp.writeFile(path.join(folder, 'digits'), bytes);
        return { path: path.join(folder, 'digits') };
      },
    ],
    ['a stored file', () => filesFor().files.stage(Letter, 'file', bytes)],
  ])('reads at any position of %s, before it is opened and meanwhile', async (_what, make) => {
    const upload = await toUpload(await make());
    const at = async (position: number) => {
      const buffer = Buffer.alloc(4);
      return buffer.toString('latin1', 0, await upload.readAt!(buffer, position));
    };
    expect([await at(3), await at(8), await at(10), await at(12)]).toEqual(['3456', '89', '', '']);
    const chunks: Uint8Array[] = [];
    for await (const chunk of upload.open()) chunks.push(Buffer.from(chunk), Buffer.from(await at(0)));
    expect(Buffer.concat(chunks).toString()).toBe('01234567890123');
    await upload.close();
  });

  it('is absent where a source can be read only once', async () => {
    const once = [new Blob([bytes]).stream(), new Response('x'), remoteFile('https://files.example/a')];
    for (const source of once) expect((await toUpload(source as UploadSource)).readAt).toBeUndefined();
  });
});
