import type { RequestListener } from 'node:http';
import express from 'express';
import { fileErrors, objectDownloadView } from 'filefield/express';
import {
  askServer,
  head,
  serve,
  talk,
  type Asked,
  type RawTalk,
  type Reply,
  type RunningServer,
} from '../adapters/server.js';
import { Exhibit, type TypeormHall } from './typeorm-hall.js';

/** An application that takes uploads and serves them: Express, SQLite and a folder. */
export class UploadSite {
  private constructor(private readonly server: RunningServer) {}

  static async open(hall: TypeormHall): Promise<UploadSite> {
    const app = express();
    app.post('/json/:slug', express.json(), async (request, response) => {
      const { file } = request.body as { file: Exhibit['file'] };
      await hall.unit().insert({ slug: request.params.slug, file });
      response.sendStatus(201);
    });
    app.post('/:slug/:field', async (request, response) => {
      const field = request.params.field === 'image' ? 'image' : 'file';
      const { file, fields } = await hall.files.receive(request, Exhibit, field);
      await hall.unit().transaction(async (unit) => {
        const row = (await unit.find(request.params.slug)) ?? { slug: request.params.slug };
        await unit.save(Object.assign(row, { [field]: file }) as Exhibit);
      });
      response.status(201).json({ file, fields });
    });
    app.get('/:slug', objectDownloadView(hall.files, Exhibit, { field: 'file', slugField: 'slug' }));
    app.use(fileErrors());
    return new UploadSite(await serve(app as unknown as RequestListener));
  }

  /** The text of a response with its status, such as `413 {"statusCode":413,…}`. */
  async post(path: string, form: FormData | string, length?: number): Promise<string> {
    const asked = typeof form === 'string' ? multipart(form, length) : await encoded(form);
    return inShort(await askServer(this.server.port, { method: 'POST', path, ...asked }));
  }

  async postJson(path: string, body: unknown): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    return inShort(await askServer(this.server.port, { method: 'POST', path, headers, body: JSON.stringify(body) }));
  }

  async get(slug: string): Promise<string> {
    return inShort(await askServer(this.server.port, { path: `/${slug}` }));
  }

  /** Sends the beginning of a form that claims to be longer. */
  begin(path: string, form: string): Promise<RawTalk> {
    const { headers } = multipart(form, 10_000_000);
    return talk(this.server.port, head('POST', path, headers) + form);
  }

  /** Uploads a file as if nothing had happened. */
  async expectAlive(): Promise<void> {
    expect(await this.post('/alive/file', form(['file', new File(['alive'], 'a.txt')]))).toMatch(/^201 /);
    expect(await this.get('alive')).toBe('200 alive');
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export function form(...entries: [string, string | File][]): FormData {
  const data = new FormData();
  for (const [name, value] of entries) data.append(name, value);
  return data;
}

/** A part as no browser would send it. */
export const part = (header: string, content = 'x') =>
  `--B\r\nContent-Disposition: form-data; ${header}\r\n\r\n${content}\r\n`;
export const end = '--B--\r\n';

function multipart(body: string, length = Buffer.byteLength(body)): Required<Pick<Asked, 'headers' | 'body'>> {
  return { headers: { 'content-type': 'multipart/form-data; boundary=B', 'content-length': String(length) }, body };
}

async function encoded(data: FormData): Promise<Asked> {
  const response = new Response(data);
  const headers = { 'content-type': response.headers.get('content-type')! };
  return { headers, body: new Uint8Array(await response.arrayBuffer()) };
}

function inShort({ status, body }: Reply): string {
  return `${status} ${body}`;
}
