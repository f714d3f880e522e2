import { createHash, createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { CRC32C } from '@google-cloud/storage';

/** A request to the model, and its body. */
export interface GoogleRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Metadata of an object, as the JSON API names them. */
type Resource = Record<string, unknown> & { readonly name: string; readonly generation: string };

interface ModelObject {
  readonly bytes: Buffer;
  readonly resource: Resource;
}

interface Session {
  readonly name: string;
  readonly query: URLSearchParams;
  readonly metadata: Record<string, unknown>;
  bytes: Buffer;
  done?: Resource;
}

/**
 * Decides what happens to a request: `undefined` lets it pass, `'done'` means that the response was written. It may call
 * `pass` to let the model do its work first, without its answer.
 */
export type GoogleFault = (
  request: GoogleRequest,
  response: ServerResponse,
  pass: () => void,
) => Promise<'done' | undefined> | 'done' | undefined;

type Answer = (status: number, body?: object | Buffer, headers?: Record<string, string>) => void;

/** What a resumable upload keeps of a request is a multiple of this, until the last. */
const unit = 256 * 1024;

/**
 * A model of the JSON API of Google Cloud Storage, written after its published reference: it is not Google's software, and
 * only shows that the requests are those of the reference. One bucket with the given name exists.
 */
export class GoogleModel {
  readonly objects = new Map<string, ModelObject>();
  readonly sessions = new Map<string, Session>();
  readonly requests: GoogleRequest[] = [];
  readonly sockets = new Set<Socket>();
  /** The account whose URLs are valid here. */
  readonly account = { client_email: 'signer@model.example', private_key: privateKey };
  fault: GoogleFault = () => undefined;
  #count = 0;
  readonly #server = createServer(
    (request, response) => void this.#serve(request, response).catch(() => response.destroy()),
  );

  constructor(readonly bucket: string) {}

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

  /** Closes the connections that clients keep for later requests. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  /** What was asked for, such as `GET metadata`, since the requests were cleared. */
  get operations(): string[] {
    return this.requests.map(operationOf);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, 'http://host');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const request: GoogleRequest = {
      method: incoming.method!,
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(request);
    const answer: Answer = (status, body, headers = {}) => {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body ? JSON.stringify(body) : '');
      const type: Record<string, string> =
        body && !Buffer.isBuffer(body) ? { 'content-type': 'application/json; charset=UTF-8' } : {};
      response.writeHead(status, { 'content-length': String(bytes.byteLength), ...type, ...headers }).end(bytes);
    };
    if ((await this.fault(request, response, () => this.#act(request, () => undefined))) === 'done') return;
    this.#act(request, answer);
  }

  #act(request: GoogleRequest, answer: Answer): void {
    const { path, query } = request;
    if (query.has('X-Goog-Signature')) return this.#signed(request, answer);
    const [, upload, bucket, rest] = /^(\/upload)?\/storage\/v1\/b\/([^/]+)(?:\/o(\/.+)?)?$/.exec(path) ?? [];
    const session = this.sessions.get(query.get('upload_id') ?? '');
    if (query.has('upload_id'))
      return session ? this.#resume(session, request, answer) : answer(404, failure(404, 'notFound'));
    if (bucket === undefined) return answer(404, failure(404, 'notFound'));
    if (decodeURIComponent(bucket) !== this.bucket) {
      return answer(404, failure(404, 'notFound', 'The specified bucket does not exist.'));
    }
    if (upload) return this.#upload(request, answer);
    if (rest === undefined) return this.#list(query, answer);
    this.#object(decodeURIComponent(rest.slice(1)), request, answer);
  }

  #object(name: string, { method, query, headers }: GoogleRequest, answer: Answer): void {
    const found = this.objects.get(name);
    const wanted = query.get('generation');
    if (!found || (wanted !== null && wanted !== found.resource.generation)) {
      return answer(404, failure(404, 'notFound', `No such object: ${this.bucket}/${name}`));
    }
    const match = query.get('ifGenerationMatch');
    if (match !== null && match !== found.resource.generation) return answer(412, failure(412, 'conditionNotMet'));
    if (method === 'DELETE') {
      this.objects.delete(name);
      return answer(204);
    }
    if (query.get('alt') !== 'media') return answer(200, found.resource);
    const { bytes, resource } = found;
    const common = {
      'content-type': String(resource['contentType']),
      'x-goog-generation': resource.generation,
      'x-goog-hash': `crc32c=${String(resource['crc32c'])},md5=${String(resource['md5Hash'])}`,
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-stored-content-length': String(bytes.byteLength),
    };
    this.#media(bytes, headers.range, answer, common);
  }

  /** The bytes of an object, or of the range that was asked for. */
  #media(bytes: Buffer, wanted = '', answer: Answer, headers: Record<string, string>): void {
    const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(wanted) ?? [];
    if (start === undefined) return answer(200, bytes, headers);
    if (Number(start) >= bytes.byteLength) return answer(416, failure(416, 'requestedRangeNotSatisfiable'));
    const part = bytes.subarray(Number(start), end ? Number(end) + 1 : undefined);
    const range = `bytes ${start}-${Number(start) + part.byteLength - 1}/${bytes.byteLength}`;
    answer(206, part, { ...headers, 'content-range': range });
  }

  /** A request without credentials, by a URL that somebody has signed (V4 signing process with RSA keys). */
  #signed({ method, path, query, headers }: GoogleRequest, answer: Answer): void {
    const given = [...query].filter(([name]) => name !== 'X-Goog-Signature');
    const canonical = given
      .map(([name, value]) => `${percent(name)}=${percent(value)}`)
      .sort()
      .join('&');
    const host = headers.host!.split(':')[0];
    const text = [method, path, canonical, `host:${host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
    const [time, scope] = [query.get('X-Goog-Date')!, query.get('X-Goog-Credential')!.split('/').slice(1).join('/')];
    const hash = createHash('sha256').update(text).digest('hex');
    const verify = createVerify('RSA-SHA256').update(['GOOG4-RSA-SHA256', time, scope, hash].join('\n'));
    const begin = Date.parse(time.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5'));
    const valid = verify.verify(publicKey, query.get('X-Goog-Signature')!, 'hex');
    const expired = Date.now() >= begin + Number(query.get('X-Goog-Expires')) * 1000;
    if (!valid || expired) return answer(403, failure(403, valid ? 'ExpiredToken' : 'SignatureDoesNotMatch'));
    const found = this.objects.get(decodeURIComponent(path).slice(`/${this.bucket}/`.length));
    if (!found) return answer(404, failure(404, 'notFound'));
    const disposition = query.get('response-content-disposition') ?? found.resource['contentDisposition'];
    this.#media(found.bytes, headers.range, answer, {
      'content-type': query.get('response-content-type') ?? String(found.resource['contentType']),
      ...(disposition ? { 'content-disposition': String(disposition) } : {}),
    });
  }

  /** In the order of the UTF-8 bytes of the names. */
  #list(query: URLSearchParams, answer: Answer): void {
    const bytes = (text: string) => Buffer.from(text);
    const start = bytes(query.get('pageToken') ?? query.get('startOffset') ?? '');
    const names = [...this.objects.keys()]
      .filter((name) => name.startsWith(query.get('prefix') ?? '') && Buffer.compare(bytes(name), start) >= 0)
      .sort((one, other) => Buffer.compare(bytes(one), bytes(other)));
    const most = Number(query.get('maxResults') ?? 1000);
    const items = names.slice(0, most).map((name) => this.objects.get(name)!.resource);
    const nextPageToken = names[most];
    answer(200, {
      kind: 'storage#objects',
      ...(items.length > 0 && { items }),
      ...(nextPageToken && { nextPageToken }),
    });
  }

  #upload({ body, headers, query }: GoogleRequest, answer: Answer): void {
    const kind = query.get('uploadType');
    if (kind === 'resumable') {
      const contentType = headers['x-upload-content-type'];
      const given = JSON.parse(body.toString() || '{}') as Record<string, unknown>;
      const metadata: Record<string, unknown> = { ...(contentType !== undefined && { contentType }), ...given };
      const name = query.get('name') ?? String(metadata['name']);
      const refused = this.#refusal(name, query);
      if (refused) return answer(412, refused);
      const id = String((this.#count += 1));
      this.sessions.set(id, { name, query, metadata, bytes: Buffer.alloc(0) });
      const location = `http://${headers.host}/upload/storage/v1/b/${this.bucket}/o?uploadType=resumable&upload_id=${id}`;
      return answer(200, undefined, { location });
    }
    const { metadata, media } = multipart(body, headers['content-type'] ?? '');
    this.#create(query.get('name') ?? String(metadata['name']), query, metadata, media, answer);
  }

  #resume(session: Session, { method, headers, body, query }: GoogleRequest, answer: Answer): void {
    if (method === 'DELETE') {
      this.sessions.delete(query.get('upload_id')!);
      return answer(499);
    }
    if (session.done) return answer(200, session.done);
    const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? 'bytes 0-0/*') ?? [];
    if (start !== undefined) {
      if (Number(start) > session.bytes.byteLength) return answer(503, failure(503, 'backendError'));
      session.bytes = Buffer.concat([session.bytes.subarray(0, Number(start)), body]);
    }
    const whole = headers['content-range'] === undefined || total === String(session.bytes.byteLength);
    if (whole) {
      return this.#create(session.name, session.query, session.metadata, session.bytes, (status, resource, given) => {
        if (status === 200) session.done = resource as Resource;
        answer(status, resource, given);
      });
    }
    session.bytes = session.bytes.subarray(0, session.bytes.byteLength - (session.bytes.byteLength % unit));
    answer(308, undefined, session.bytes.byteLength > 0 ? { range: `bytes=0-${session.bytes.byteLength - 1}` } : {});
  }

  #refusal(name: string, query: URLSearchParams): object | undefined {
    const match = query.get('ifGenerationMatch');
    const taken = this.objects.get(name)?.resource.generation ?? '0';
    return match === null || match === taken ? undefined : failure(412, 'conditionNotMet');
  }

  #create(name: string, query: URLSearchParams, given: Record<string, unknown>, bytes: Buffer, answer: Answer): void {
    const refused = this.#refusal(name, query);
    if (refused) return answer(412, refused);
    const sums = { crc32c: crc32c(bytes), md5Hash: createHash('md5').update(bytes).digest('base64') };
    for (const [sum, value] of Object.entries(sums)) {
      if (given[sum] !== undefined && given[sum] !== value) {
        return answer(400, failure(400, 'invalid', `Provided ${sum} does not match the calculated one.`));
      }
    }
    const time = new Date().toISOString();
    const resource: Resource = {
      contentType: 'application/octet-stream',
      storageClass: 'STANDARD',
      ...given,
      ...(query.has('kmsKeyName') && { kmsKeyName: query.get('kmsKeyName') }),
      kind: 'storage#object',
      bucket: this.bucket,
      name,
      generation: String(1_700_000_000_000_000 + (this.#count += 1)),
      metageneration: '1',
      size: String(bytes.byteLength),
      timeCreated: time,
      updated: time,
      ...sums,
    };
    this.objects.set(name, { bytes: Buffer.from(bytes), resource });
    answer(200, resource);
  }
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** As encodeURIComponent, but of more characters (RFC 3986). */
const percent = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The body of an answer that refuses a request. */
export function failure(code: number, reason: string, message = `${reason} about secret-key at http://host`): object {
  return { error: { code, message, errors: [{ domain: 'global', reason, message }] } };
}

function operationOf({ method, path, query }: GoogleRequest): string {
  if (query.has('upload_id')) return `${method} session`;
  if (path.startsWith('/upload/')) return `${method} ${query.get('uploadType')}`;
  if (!/\/o\/.+/.test(path)) return `${method} list`;
  return method === 'GET' ? `GET ${query.get('alt') === 'media' ? 'media' : 'metadata'}` : method;
}

function crc32c(bytes: Buffer): string {
  const sum = new CRC32C();
  sum.update(bytes);
  return sum.toString();
}

/** Metadata and media of a body of the kind `multipart/related`. */
function multipart(body: Buffer, type: string): { metadata: Record<string, unknown>; media: Buffer } {
  const boundary = /boundary=([^;]+)/.exec(type)?.[1] ?? '';
  const blank = Buffer.from('\r\n\r\n');
  const first = body.indexOf(blank) + 4;
  const middle = body.indexOf(`\r\n--${boundary}`, first);
  const second = body.indexOf(blank, middle) + 4;
  const end = body.lastIndexOf(`\r\n--${boundary}--`);
  const metadata = JSON.parse(body.subarray(first, middle).toString()) as Record<string, unknown>;
  return { metadata, media: body.subarray(second, end) };
}
