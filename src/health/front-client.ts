import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import { invalidOption } from '../options.js';

/** Certificates in PEM format: the text or bytes of a file, or several. */
export type Certificates = string | Uint8Array | readonly (string | Uint8Array)[];

/** A response that came through the front. */
export interface FrontResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request to the front; GET without headers by default. */
export interface FrontRequest {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
}

/** More than a probe has; a response that goes on is cut off. */
const maximumBytes = 1024 * 1024;

/** A client of the server in front. Each request has a new connection; redirects are not followed, bodies not decoded. */
export class FrontClient {
  readonly #url: URL;
  readonly #ca: https.RequestOptions['ca'];

  constructor(
    url: string | URL,
    private readonly headers: Readonly<Record<string, string>> = {},
    ca?: Certificates,
  ) {
    if (!URL.canParse(String(url)) || !/^https?:$/.test(new URL(url).protocol)) {
      throw invalidOption('The option "url" must start with http:// or https://.');
    }
    this.#url = new URL(url);
    this.#ca = certificates(ca);
  }

  /** The URL of a probe. */
  probeUrl(id: string): URL {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${id}`;
    return url;
  }

  /** Requests a probe, with the headers that the front requires. */
  request(id: string, request: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return this.#ask(this.probeUrl(id), request, signal);
  }

  /** Requests a path of the front, with the headers that it requires: what a client of the view could do, too. */
  requestPath(path: string, signal: AbortSignal): Promise<FrontResponse> {
    // Not as the second argument: a path that starts with two slashes would name a host.
    const url = new URL(this.#url.origin + path);
    return this.#ask(url, {}, signal);
  }

  /** Requests the target of a redirect, without the headers for the front, such as a password. */
  follow(id: string, location: string, request: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return send(new URL(location, this.probeUrl(id)), request, { signal, ca: this.#ca });
  }

  #ask(url: URL, request: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return send(url, { ...request, headers: { ...this.headers, ...request.headers } }, { signal, ca: this.#ca });
  }
}

/** The given certificates and those that Node trusts: a redirect may lead to a bucket with an ordinary one. */
function certificates(ca: Certificates | undefined): https.RequestOptions['ca'] {
  if (ca === undefined) return undefined;
  const given = typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca;
  return [...rootCertificates, ...given.map((one) => (typeof one === 'string' ? one : Buffer.from(one)))];
}

function send(
  url: URL,
  { method = 'GET', headers }: FrontRequest,
  connection: Pick<https.RequestOptions, 'signal' | 'ca'>,
): Promise<FrontResponse> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const options = {
      method,
      ...connection,
      agent: false,
      headers: { 'accept-encoding': 'identity', ...headers },
    } as const;
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const done = () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.byteLength;
        if (bytes <= maximumBytes) return;
        done();
        sent.destroy();
      });
      response.on('end', done);
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}
