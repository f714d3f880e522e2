import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request to the server, and its body. */
export interface S3Request {
  readonly method: string;
  /** Bucket and key. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface StoredObject {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** When it was written; the beginning of time for objects that a test has put there. */
  readonly modified?: Date;
}

/**
 * Decides what happens to a request: `undefined` lets it pass, `'done'` means that the response was written. It may call
 * `pass` to let the server do its work first, without its answer.
 */
export type Fault = (
  request: S3Request,
  response: ServerResponse,
  pass: () => void,
) => Promise<'done' | undefined> | 'done' | undefined;

/**
 * An S3 server in this process that knows objects, ranges, parts, conditions and listings, checks neither signatures nor
 * checksums, and fails as it is told.
 */
export class FaultyS3 {
  readonly objects = new Map<string, StoredObject>();
  readonly requests: S3Request[] = [];
  readonly sockets = new Set<Socket>();
  fault: Fault = () => undefined;
  /** The parts of uploads that are not complete, by their ids. */
  readonly uploads = new Map<string, Map<number, Buffer>>();
  #uploads = 0;
  // A client that aborts its request is no fault of the test that runs then.
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });

  async start(): Promise<string> {
    this.#server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The methods of the requests, with the parameter that tells those of parts apart. */
  get methods(): string[] {
    return this.requests.map(({ method, query }) => {
      const part = ['uploads', 'uploadId', 'list-type'].find((name) => query.has(name));
      return part ? `${method} ${part}` : method;
    });
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, 'http://host');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const request: S3Request = {
      method: incoming.method!,
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(request);
    const answer = (status: number, headers: Record<string, string> = {}, body: string | Buffer = '') => {
      if (response.headersSent) return;
      response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
    };
    const pass = () => this.#act(request, () => undefined);
    if ((await this.fault(request, response, pass)) === 'done') return;
    this.#act(request, answer);
  }

  #act(request: S3Request, answer: (status: number, headers?: Record<string, string>, body?: string | Buffer) => void) {
    const { method, path, query, headers, body } = request;
    const object = this.objects.get(path);
    const sum = headers['x-amz-checksum-sha256'] as string | undefined;
    const echo: Record<string, string> = sum ? { 'x-amz-checksum-sha256': sum } : {};
    const isTaken = object && headers['if-none-match'] === '*';
    const id = query.get('uploadId') ?? '';
    const parts = this.uploads.get(id);
    if (method === 'POST' && query.has('uploads')) {
      const upload = String((this.#uploads += 1));
      this.uploads.set(upload, new Map());
      const result = `<UploadId>${upload}</UploadId>`;
      return answer(200, {}, `<InitiateMultipartUploadResult>${result}</InitiateMultipartUploadResult>`);
    }
    if (id && !parts) return answer(404, {}, errorXml('NoSuchUpload'));
    if (parts && method === 'DELETE') {
      this.uploads.delete(id);
      return answer(204);
    }
    if (parts && method === 'POST') {
      if (isTaken) return answer(412, {}, errorXml('PreconditionFailed'));
      const all = [...parts].sort(([one], [other]) => one - other).map(([, part]) => part);
      this.uploads.delete(id);
      this.objects.set(path, { bytes: Buffer.concat(all), headers: {}, modified: new Date() });
      const etag = `<ETag>${etagOf(Buffer.concat(all))}</ETag>`;
      return answer(200, {}, `<CompleteMultipartUploadResult>${etag}</CompleteMultipartUploadResult>`);
    }
    if (parts && method === 'PUT') {
      parts.set(Number(query.get('partNumber')), body);
      return answer(200, { etag: etagOf(body), ...echo });
    }
    if (method === 'PUT') {
      if (isTaken) return answer(412, {}, errorXml('PreconditionFailed'));
      const mark = headers['x-amz-meta-filefield-write'] as string | undefined;
      const kept: Record<string, string> = mark ? { 'x-amz-meta-filefield-write': mark } : {};
      this.objects.set(path, { bytes: body, headers: kept, modified: new Date() });
      return answer(200, { etag: etagOf(body), ...echo });
    }
    if (method === 'DELETE') {
      this.objects.delete(path);
      return answer(204);
    }
    if (query.has('list-type')) return answer(200, {}, this.#list(path, query));
    if (path.split('/').filter(Boolean).length === 1) return answer(200);
    if (!object) return answer(404, {}, errorXml('NoSuchKey'));
    const common = { etag: etagOf(object.bytes), 'last-modified': timeOf(object).toUTCString(), ...object.headers };
    if (headers['if-match'] && headers['if-match'] !== common.etag)
      return answer(412, {}, errorXml('PreconditionFailed'));
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    if (start === undefined) {
      return answer(200, { ...common, 'content-length': String(object.bytes.byteLength) }, object.bytes);
    }
    const part = object.bytes.subarray(Number(start), Number(end) + 1);
    const range = `bytes ${start}-${end}/${object.bytes.byteLength}`;
    answer(206, { ...common, 'content-length': String(part.byteLength), 'content-range': range }, part);
  }

  /** The keys of a bucket in the order of their UTF-8 bytes, ten at a time. */
  #list(path: string, query: URLSearchParams): string {
    const bucket = `${path.replace(/\/*$/, '')}/`;
    const after = Buffer.from(query.get('start-after') ?? '');
    const prefix = query.get('prefix') ?? '';
    const found = [...this.objects]
      .filter(([name]) => name.startsWith(bucket))
      .map(([name, object]) => ({ key: decodeURIComponent(name.slice(bucket.length)), object }))
      .filter(({ key }) => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), after) > 0)
      .sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
    const contents = found.slice(0, 10).map(({ key, object }) => {
      const time = timeOf(object).toISOString();
      return `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>${time}</LastModified></Contents>`;
    });
    const truncated = `<IsTruncated>${found.length > 10}</IsTruncated><EncodingType>url</EncodingType>`;
    return `<?xml version="1.0"?><ListBucketResult>${truncated}${contents.join('')}</ListBucketResult>`;
  }
}

const timeOf = ({ modified }: StoredObject) => modified ?? new Date(0);

/** The body of an answer that refuses a request. */
export function errorXml(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>about /bucket/secret-key</Message></Error>`;
}

export const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;
