import { FileFieldError } from '../errors.js';
import { exactly, lengthOf, type ByteRange, type FileBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';
import { httpDate } from '../http/date.js';
import { isPromise } from '../file/promise.js';
import { chooseRange, contentRange } from '../http/range.js';
import type { Download, PreparedResponse } from './download.js';
import { reportMissing } from './hooks.js';
import { multipart } from './multipart.js';
import { observedResponse } from './observed.js';
import { checkPreconditions, rangeApplies, sizeOf, validatorsOf, type Validators } from './preconditions.js';
import { digestFor, header, loadHint, type DownloadRequest } from './request.js';

/** The Allow header, which a 405 must have (RFC 9110 section 15.5.6). */
const allowedMethods = 'GET, HEAD, OPTIONS';

// A 304 repeats the other headers but must not describe a body (RFC 9110 section 15.4.5).
const bodyHeaders = ['content-type', 'content-disposition', 'content-encoding'];
// These describe the file, not the error that replaces it.
const fileHeaders = [...bodyHeaders, 'cache-control', 'content-security-policy'];

/** The response that depends on the method alone: 204 for OPTIONS. Undefined for GET and HEAD. */
export function methodResponse(method: string): PreparedResponse | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (method === 'OPTIONS') {
    return { status: 204, headers: { allow: allowedMethods }, open: null, close: () => undefined };
  }
  throw new FileFieldError('method_not_allowed', `A download supports the methods ${allowedMethods} only.`);
}

/**
 * Turns a download into the response to a request, as RFC 9110 requires: method, conditions, range, headers. Reads no
 * bytes, and opens the file only if its size is not known otherwise. A body is cut to the promised length; one that is
 * shorter fails with `incomplete`.
 *
 * Rejects with a `FileFieldError`, for example `method_not_allowed`, `not_found` or `missing`; the file is then closed.
 *
 * @example
 * ```ts
 * import { respond, virtualFile } from 'filefield';
 *
 * const request = { method: 'GET', headers: { range: 'bytes=0-1' }, params: {}, raw: null };
 * const file = virtualFile({ name: 'a.txt', content: 'hello' });
 * const { status, headers } = await respond(request, { status: 200, headers: {}, file }); // 206
 * ```
 */
export async function respond(request: DownloadRequest, download: Download): Promise<PreparedResponse> {
  const prepared = prepare(request, download);
  return observedResponse(request, download, isPromise(prepared) ? await prepared : prepared);
}

function prepare(request: DownloadRequest, download: Download): PreparedResponse | Promise<PreparedResponse> {
  const { file, hooks } = download;
  const decided = methodResponse(request.method);
  if (decided || file === null || download.status !== 200) {
    file?.close?.();
    return decided ?? withoutFile(request, download);
  }
  const { load } = file;
  if (!load) return fromLoaded(request, download, file);
  const loading = load.call(file, loadHint(request));
  return (hooks ? reportMissing(loading, hooks) : loading).then((loaded) => fromLoaded(request, download, loaded));
}

function fromLoaded(request: DownloadRequest, { headers, hooks }: Download, file: FileSource): PreparedResponse {
  try {
    const prepared = withFile(request, headers, file);
    const { status, headers: sent, open, close } = prepared;
    if (!hooks || request.method !== 'GET' || (status !== 200 && status !== 206)) return prepared;
    return { status, headers: sent, open: open && (() => reportMissing(open(), hooks)), close, hooks };
  } catch (error) {
    file.close?.();
    throw error;
  }
}

/** For a download that another server sends, or that is only a head. */
function withoutFile(request: DownloadRequest, { status, headers, hooks, settled }: Download): PreparedResponse {
  const prepared: PreparedResponse = { status, headers, open: null, close: () => undefined };
  const delegated = status === 200 || settled;
  const start = request.method === 'GET' && delegated ? hooks?.start : undefined;
  if (!start) return prepared;
  return { ...prepared, hooks: { start: (progress) => start({ ...progress, delegated: true }) } };
}

function withFile(request: DownloadRequest, base: Download['headers'], file: FileSource): PreparedResponse {
  const close = () => file.close?.();
  const validators = validatorsOf(file);
  const verdict = checkPreconditions(request, validators);
  if (verdict === 'failed') return refusal(412, base, close);

  const headers = without(verdict === 'not_modified' ? bodyHeaders : [], base);
  if (validators.etag !== undefined) headers.etag = validators.etag;
  if (validators.modified) headers['last-modified'] = httpDate(validators.modified);
  // Covers the whole file, so it belongs to 200, 206 and 304 alike (RFC 9530 section 3).
  const digest = digestFor(request, file.sha256);
  if (digest !== undefined) headers['repr-digest'] = digest;

  if (verdict === 'not_modified') return { status: 304, headers, open: null, close };

  const size = sizeOf(file);
  headers['accept-ranges'] = size === undefined ? 'none' : 'bytes';
  if (size === undefined) {
    return { status: 200, headers, open: request.method === 'HEAD' ? null : () => openUnsized(file), close };
  }
  const range = applicableRange(request, validators);
  return rangeResponse(range, { base, headers, file, size, close }) ?? wholeResponse(request, headers, file, size);
}

/** A range concerns only GET (RFC 9110 section 14.2), and only if If-Range holds. */
function applicableRange(request: DownloadRequest, validators: Validators): string | undefined {
  return request.method === 'GET' && rangeApplies(request, validators) ? header(request, 'range') : undefined;
}

interface SizedFile {
  /** The headers of the download. */
  readonly base: Download['headers'];
  /** Those and the headers of the file. */
  readonly headers: Record<string, string>;
  readonly file: FileSource;
  readonly size: number;
  readonly close: () => void;
}

/** The response to a Range header: 206 or 416. Undefined if the whole file is to be sent. */
function rangeResponse(
  range: string | undefined,
  { base, headers, file, size, close }: SizedFile,
): PreparedResponse | undefined {
  const choice = chooseRange(range, size);
  if (choice.kind === 'unsatisfiable') return refusal(416, { ...base, 'content-range': `bytes */${size}` }, close);
  if (choice.kind === 'part') {
    const length = lengthOf(choice.range);
    headers['content-range'] = contentRange(choice.range, size);
    headers['content-length'] = String(length);
    return { status: 206, headers, open: () => openExactly(file, length, choice.range), close };
  }
  // In a multipart response, Content-Encoding would describe the multipart body, which is not encoded.
  if (choice.kind === 'whole' || headers['content-encoding'] !== undefined || file.readsFromStart) return undefined;
  const parts = multipart(choice.ranges, {
    size,
    contentType: headers['content-type'],
    open: (part) => openExactly(file, lengthOf(part), part),
  });
  headers['content-type'] = parts.contentType;
  headers['content-length'] = String(parts.size);
  return { status: 206, headers, open: parts.open, close };
}

function wholeResponse(
  request: DownloadRequest,
  headers: Record<string, string>,
  file: FileSource,
  size: number,
): PreparedResponse {
  headers['content-length'] = String(size);
  const open = size === 0 || request.method === 'HEAD' ? null : () => openExactly(file, size);
  return { status: 200, headers, open, close: () => file.close?.() };
}

async function openExactly(file: FileSource, length: number, range?: ByteRange): Promise<FileBody> {
  return exactly(await file.open(range), length);
}

/** The response has no Content-Length, so the body ends where the stream ends, whatever size the source reports. */
async function openUnsized(file: FileSource): Promise<FileBody> {
  const body = await file.open();
  return { stream: () => body.stream(), close: () => body.close() };
}

function refusal(status: number, base: Download['headers'], close: () => void): PreparedResponse {
  return { status, headers: { ...without(fileHeaders, base), 'content-length': '0' }, open: null, close };
}

/** A copy of headers that may be added to. Not a spread: V8 takes a microsecond for each member that is added to one. */
function without(names: readonly string[], headers: Download['headers']): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) if (!names.includes(name)) kept[name] = headers[name]!;
  return kept;
}
