import { createHash, createHmac } from 'node:crypto';
import {
  FileFieldError,
  type ByteRange,
  type ObjectInfo,
  type ObjectBody,
  type Storage,
  type UrlOptions,
} from 'filefield';

/** Address and keys of an S3 server; the defaults are those of `build/services/s3.sh`. */
export const s3 = {
  endpoint: process.env.S3_ENDPOINT ?? 'http://127.0.0.1:21120',
  accessKey: process.env.S3_ACCESS_KEY ?? 'S3TEST',
  secretKey: process.env.S3_SECRET_KEY ?? 'S3TESTSECRET',
} as const;

/** True if the S3 server responds; otherwise it prints a warning, or throws in CI. */
export async function haveS3(): Promise<boolean> {
  const reachable = await fetch(s3.endpoint).then(
    () => true,
    () => false,
  );
  if (reachable) return true;
  if (process.env.CI) throw new Error(`no S3 server responds at ${s3.endpoint}`);
  console.warn(`*** SKIPPED: no S3 server responds at ${s3.endpoint}; signed URLs are not tested ***`);
  return false;
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
// Encodes more characters than encodeURIComponent, as AWS Signature Version 4 requires.
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** A storage in an S3 bucket, for tests of signed URLs. Every request is a URL with an AWS Signature Version 4. */
export class SigningStorage implements Storage {
  constructor(readonly bucket: string) {}

  async signedUrl(key: string, { expiresIn, method, contentType, contentDisposition }: UrlOptions): Promise<string> {
    return this.#sign(method, key, Math.ceil(expiresIn / 1000), {
      ...(contentType && { 'response-content-type': contentType }),
      ...(contentDisposition && { 'response-content-disposition': contentDisposition }),
    });
  }

  async create(): Promise<void> {
    await this.#send('PUT', '');
  }

  async write(key: string, body: AsyncIterable<Uint8Array>): Promise<ObjectInfo> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    await this.#send('PUT', key, {}, bytes);
    return { size: bytes.byteLength };
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const headers = range && { range: `bytes=${range.start}-${range.end}` };
    const info = await this.stat(key);
    if (!info) throw new FileFieldError('not_found', 'The S3 server has no such object.');
    const bytes = Buffer.from(await (await this.#send('GET', key, headers)).arrayBuffer());
    return {
      info,
      stream: async function* () {
        yield bytes;
      },
      close: () => undefined,
    };
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const response = await fetch(this.#sign('HEAD', key, 60, {}), { method: 'HEAD' });
    if (response.status === 404) return null;
    if (!response.ok) throw new FileFieldError('storage_failed', `The S3 server responded with ${response.status}.`);
    const { headers } = response;
    return {
      size: Number(headers.get('content-length')),
      modified: new Date(headers.get('last-modified') ?? NaN),
      etag: headers.get('etag')?.replaceAll('"', ''),
    };
  }

  async delete(key: string): Promise<void> {
    await this.#send('DELETE', key);
  }

  async #send(method: string, key: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Response> {
    const response = await fetch(this.#sign(method, key, 60, {}), { method, headers, body });
    if (!response.ok) throw new FileFieldError('storage_failed', `The S3 server responded with ${response.status}.`);
    return response;
  }

  #sign(method: string, key: string, seconds: number, query: Readonly<Record<string, string>>): string {
    const { host } = new URL(s3.endpoint);
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`;
    const parameters = {
      ...query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${s3.accessKey}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(seconds),
      'X-Amz-SignedHeaders': 'host',
    };
    const path = `/${this.bucket}/${key.split('/').map(encode).join('/')}`;
    const encoded = Object.entries(parameters)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&');
    const canonical = [method, path, encoded, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
    const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
    const secret = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${s3.secretKey}`);
    return `${s3.endpoint}${path}?${encoded}&X-Amz-Signature=${hmac(secret, text).toString('hex')}`;
  }
}
