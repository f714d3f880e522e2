import { createHash, createHmac } from 'node:crypto';
import {
  FileFieldError,
  type ByteRange,
  type ObjectInfo,
  type ObjectBody,
  type Storage,
  type UrlOptions,
} from 'filefield';

/** Where an S3 server answers, and what opens it; the defaults are those of a local Ceph RGW. */
export const s3 = {
  endpoint: process.env.S3_ENDPOINT ?? 'http://127.0.0.1:21120',
  accessKey: process.env.S3_ACCESS_KEY ?? 'S3TEST',
  secretKey: process.env.S3_SECRET_KEY ?? 'S3TESTSECRET',
} as const;

/** False, loudly, where no S3 server answers; an error in CI, where one must. */
export async function haveS3(): Promise<boolean> {
  const answers = await fetch(s3.endpoint).then(
    () => true,
    () => false,
  );
  if (answers) return true;
  if (process.env.CI) throw new Error(`no S3 server answers at ${s3.endpoint}`);
  console.warn(`*** SKIPPED: no S3 server answers at ${s3.endpoint}; signed URLs were not tried ***`);
  return false;
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
// Stricter than encodeURIComponent, as AWS Signature Version 4 wants it.
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Enough of a bucket to try signed URLs with: every call is one, signed as AWS Signature Version 4 says. */
export class SigningStorage implements Storage {
  constructor(readonly bucket: string) {}

  async signedUrl(key: string, { expiresIn, method, contentType, contentDisposition }: UrlOptions): Promise<string> {
    return this.#sign(method, key, Math.ceil(expiresIn / 1000), {
      ...(contentType && { 'response-content-type': contentType }),
      ...(contentDisposition && { 'response-content-disposition': contentDisposition }),
    });
  }

  async create(): Promise<void> {
    await this.#ask('PUT', '');
  }

  async write(key: string, body: AsyncIterable<Uint8Array>): Promise<ObjectInfo> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    await this.#ask('PUT', key, {}, bytes);
    return { size: bytes.byteLength };
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const headers = range && { range: `bytes=${range.start}-${range.end}` };
    const bytes = Buffer.from(await (await this.#ask('GET', key, headers)).arrayBuffer());
    const info = (await this.stat(key))!;
    return {
      info,
      stream: async function* () {
        yield bytes;
      },
      close: () => undefined,
    };
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    const { headers } = await this.#ask('HEAD', key);
    return { size: Number(headers.get('content-length')) };
  }

  async delete(key: string): Promise<void> {
    await this.#ask('DELETE', key);
  }

  async #ask(method: string, key: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Response> {
    const response = await fetch(this.#sign(method, key, 60, {}), { method, headers, body });
    if (!response.ok) throw new FileFieldError('storage_failed', `The S3 server answered ${response.status}.`);
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
