import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { FileFieldError } from '../errors.js';

/** What came back through the front. */
export interface FrontResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface FrontRequest {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nobody sends more than this in place of a probe. */
const most = 1024 * 1024;

/** A client of the server in front: plain requests on connections of their own, no redirect followed, nothing decoded. */
export class FrontClient {
  readonly #url: URL;

  constructor(
    url: string | URL,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    if (!URL.canParse(String(url)) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new FileFieldError('invalid_option', 'The "url" of a deliveryCheck must start with http:// or https://.');
    }
    this.#url = new URL(url);
  }

  /** Where a probe is to be had. */
  at(id: string): URL {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/${id}`;
    return url;
  }

  ask(id: string, asked: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return request(this.at(id), { ...asked, headers: { ...this.headers, ...asked.headers } }, signal);
  }

  /** Follows a redirect by hand; what was meant for the front, such as a password, stays here. */
  follow(id: string, location: string, asked: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
    return request(new URL(location, this.at(id)), asked, signal);
  }
}

function request(url: URL, { method = 'GET', headers }: FrontRequest, signal: AbortSignal): Promise<FrontResponse> {
  return new Promise((resolve, reject) => {
    const { request: send } = url.protocol === 'https:' ? https : http;
    const options = { method, signal, agent: false, headers: { 'accept-encoding': 'identity', ...headers } } as const;
    const sent = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const done = () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.byteLength;
        if (bytes <= most) return;
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
