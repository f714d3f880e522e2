import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { FileFieldError } from '../../errors.js';

/** A request of Node, over HTTP/1.1 or HTTP/2; Express' is one. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/**
 * What a form can be received from: a request of Node or Express, a request of Fastify (`raw`), a context of Koa (`req`), a
 * `Request` of fetch as in Hono, Next.js and Bun, or a `FormData` that was parsed already and is in memory.
 */
export type FormRequest = NodeRequest | FastifyLikeRequest | KoaLikeContext | Request | FormData;

/** What has a request of Node as `raw`, as Fastify's requests do. */
export interface FastifyLikeRequest {
  /** The request of Node. */
  readonly raw: NodeRequest;
}

/** What has a request of Node as `req`, as Koa's contexts do. */
export interface KoaLikeContext {
  /** The request of Node. */
  readonly req: NodeRequest;
}

/** A form that is still to be parsed. */
export interface FormBody {
  readonly headers: Pick<IncomingHttpHeaders, 'content-type' | 'content-length'>;
  readonly stream: Readable;
}

/**
 * The body of a request, or the form itself if it is parsed. Throws `invalid_value` for a body that was read before, and for
 * anything else that is not a request.
 */
export function formBody(request: FormRequest): FormBody | FormData {
  if (typeof request === 'object' && request !== null) {
    if (isFormData(request)) return request;
    if (isNodeRequest(request)) return nodeBody(request);
    if ('raw' in request && isNodeRequest(request.raw)) return nodeBody(request.raw);
    if ('req' in request && isNodeRequest(request.req)) return nodeBody(request.req);
    if (isFetchRequest(request)) return fetchBody(request);
  }
  throw new FileFieldError(
    'invalid_value',
    'receive() was not given a request; pass the request of Node, Express, Fastify or Koa, a Request of fetch, or a FormData.',
  );
}

function nodeBody(request: NodeRequest): FormBody {
  // A client that went away leaves a stream that is destroyed, but was not read to its end.
  if (request.readableEnded || (request.readableDidRead && !request.destroyed)) throw alreadyRead();
  return { headers: request.headers, stream: request };
}

function fetchBody(request: Request): FormBody {
  if (request.bodyUsed || request.body?.locked) throw alreadyRead();
  const { headers, body } = request;
  return {
    headers: {
      'content-type': headers.get('content-type') ?? undefined,
      'content-length': headers.get('content-length') ?? undefined,
    },
    stream: body ? Readable.fromWeb(body as NodeReadableStream) : Readable.from([]),
  };
}

/** The boundary between the parts. Throws `wrong_type` for a request that is not a multipart form. */
export function boundaryOf(type: string): string {
  if (!/^\s*multipart\/form-data\s*(;|$)/i.test(type)) {
    throw new FileFieldError(
      'wrong_type',
      'The request is not a multipart form; send multipart/form-data (in HTML: <form method="post" enctype="multipart/form-data">).',
      { rule: 'contentType', limit: 'multipart/form-data' },
    );
  }
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(type) ?? [];
  return quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
}

function alreadyRead(): FileFieldError {
  return new FileFieldError(
    'invalid_value',
    'The body of the request was read before; call receive() before everything that parses bodies, such as multer or express.raw().',
  );
}

const isNodeRequest = (value: unknown): value is NodeRequest =>
  typeof value === 'object' && value !== null && 'pipe' in value && 'headers' in value;
export const isFormData = (value: object): value is FormData =>
  'append' in value && 'getAll' in value && 'entries' in value;
const isFetchRequest = (value: object): value is Request =>
  'formData' in value && 'headers' in value && 'body' in value;
