import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { invalidOption } from '../options.js';

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

  constructor(
    url: string | URL,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    if (!URL.canParse(String(url)) || !/^https?:$/.test(new URL(url).protocol)) {
      throw invalidOption('The option "url" must start with http:// or https://.');
    }
    this.#url = new URL(url);
  }

  /** The URL of a probe. */
  probeUrl(id: string): URL {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${id}`;
    return url;
  }

  /** Requests a probe, with the headers that the front requires. */
  request(id: string, request: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return send(this.probeUrl(id), { ...request, headers: { ...this.headers, ...request.headers } }, signal);
  }

  /** Requests the target of a redirect, without the headers for the front, such as a password. */
  follow(id: string, location: string, request: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return send(new URL(location, this.probeUrl(id)), request, signal);
  }
}

function send(url: URL, { method = 'GET', headers }: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const options = { method, signal, agent: false, headers: { 'accept-encoding': 'identity', ...headers } } as const;
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
