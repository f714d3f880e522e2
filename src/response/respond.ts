import { isFileFieldError } from '../errors.js';
import { exactly, lengthOf, type ByteRange, type FileBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';
import type { PreparedResponse } from './prepared-response.js';
import { encodedTag, parseTag, weakTag } from '../http/etag.js';
import { methodResponse } from './method.js';
import { multipart } from './multipart.js';
import { checkPreconditions, rangeApplies, type Validators } from './preconditions.js';
import { chooseRange } from '../http/range.js';
import { reprDigest } from '../http/digest.js';
import { header, type DownloadRequest } from './request.js';
import type { DownloadHooks, Download } from './download.js';

const nothing = () => undefined;
// RFC 9110 section 15.4.5: a 304 repeats these and must not describe a body that it does not have.
const bodyHeaders = ['content-type', 'content-disposition', 'content-encoding'];

/**
 * Turns a download and the request into the answer, after RFC 9110: method, existence, preconditions, range, head.
 * Reads no bytes; opens a file only if nothing else can tell its size. Rejects with a `FileFieldError`.
 */
export async function respond(request: DownloadRequest, response: Download): Promise<PreparedResponse> {
  const decided = methodResponse(request.method);
  if (decided) {
    response.file?.close?.();
    return decided;
  }
  const { hooks } = response;
  if (response.file === null || response.status !== 200) {
    response.file?.close?.();
    const answer = { status: response.status, headers: response.headers, open: null, close: nothing };
    const delegated = response.status === 200 || response.settled;
    const start = request.method === 'GET' && delegated ? hooks?.start : undefined;
    return start ? { ...answer, hooks: { start: (progress) => start({ ...progress, delegated: true }) } } : answer;
  }
  const hint = { head: request.method === 'HEAD', range: header(request, 'range') };
  const file = response.file.load ? await orMissing(response.file.load(hint), hooks) : response.file;
  const close = () => file.close?.();
  try {
    const made = answer(request, response.headers, file, close);
    const { open } = made;
    const sends = request.method === 'GET' && (made.status === 200 || made.status === 206);
    if (!hooks || !sends) return made;
    return { ...made, hooks, open: open && (() => orMissing(open(), hooks)) };
  } catch (error) {
    close();
    throw error;
  }
}

/** Tells of bytes that are not there, on the way to the error that the client gets. */
async function orMissing<Value>(promise: Promise<Value>, hooks: DownloadHooks | undefined): Promise<Value> {
  try {
    return await promise;
  } catch (error) {
    if (isFileFieldError(error, 'missing') || isFileFieldError(error, 'not_found')) hooks?.missing?.(error);
    throw error;
  }
}

function answer(
  request: DownloadRequest,
  base: Readonly<Record<string, string>>,
  file: FileSource,
  close: () => void,
): PreparedResponse {
  const validators = validatorsOf(file);
  const headers: Record<string, string> = { ...base };
  if (validators.etag !== undefined) headers.etag = validators.etag;
  if (validators.modified) headers['last-modified'] = validators.modified.toUTCString();
  // Of the whole file whatever part is sent, so that it belongs to 200, 206 and 304 alike (RFC 9530 section 3).
  const digest = reprDigest(file.sha256, header(request, 'want-repr-digest'));
  if (digest !== undefined) headers['repr-digest'] = digest;

  const verdict = checkPreconditions(request, validators);
  if (verdict === 'not_modified') {
    for (const name of bodyHeaders) delete headers[name];
    return { status: 304, headers, open: null, close };
  }
  if (verdict === 'failed') return withoutFile(412, base, close);

  const size = sizeOf(file);
  headers['accept-ranges'] = size === undefined ? 'none' : 'bytes';
  if (size === undefined) {
    // Without a length the body ends where the stream ends, whatever the source says of its size.
    return { status: 200, headers, open: request.method === 'HEAD' ? null : () => openUnsized(file), close };
  }

  // A range only ever concerns GET (section 14.2), and only if If-Range holds.
  const ranged = request.method === 'GET' && rangeApplies(request, validators);
  const choice = chooseRange(ranged ? header(request, 'range') : undefined, size);
  if (choice.kind === 'unsatisfiable') {
    const refused = withoutFile(416, base, close);
    return { ...refused, headers: { ...refused.headers, 'content-range': `bytes */${size}` } };
  }
  if (choice.kind === 'part') {
    const { start, end } = choice.range;
    headers['content-range'] = `bytes ${start}-${end}/${size}`;
    const length = lengthOf(choice.range);
    headers['content-length'] = String(length);
    return { status: 206, headers, open: () => openExactly(file, length, choice.range), close };
  }
  // Over several ranges Content-Encoding would be that of the multipart body, which is not encoded.
  if (choice.kind === 'parts' && headers['content-encoding'] === undefined) {
    const parts = multipart(choice.ranges, size, headers['content-type'], (range) =>
      openExactly(file, lengthOf(range), range),
    );
    headers['content-type'] = parts.contentType;
    headers['content-length'] = String(parts.size);
    return { status: 206, headers, open: parts.open, close };
  }
  headers['content-length'] = String(size);
  const empty = size === 0 || request.method === 'HEAD';
  return { status: 200, headers, open: empty ? null : () => openExactly(file, size), close };
}

async function openExactly(file: FileSource, length: number, range?: ByteRange): Promise<FileBody> {
  return exactly(await file.open(range), length);
}

async function openUnsized(file: FileSource): Promise<FileBody> {
  const body = await file.open();
  return { stream: () => body.stream(), close: () => body.close() };
}

/** An error's head must not carry what described the file, its caching above all. */
function withoutFile(status: number, base: Readonly<Record<string, string>>, close: () => void): PreparedResponse {
  const headers: Record<string, string> = { ...base, 'content-length': '0' };
  for (const name of [...bodyHeaders, 'cache-control', 'content-security-policy']) delete headers[name];
  return { status, headers, open: null, close };
}

// The year 1: HTTP writes years in four digits, and JavaScript puts a sign before those that are over.
const earliest = -62_135_596_800_000;

/** A length that no file can have, a source's mistake, counts as unknown: the bytes are sent, and end where they end. */
function sizeOf({ size }: Pick<FileSource, 'size'>): number | undefined {
  return size !== undefined && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/** What is known of a file's bytes. A time in the future must not be sent (section 8.8.2.1): a client would believe it for ever. */
export function validatorsOf(file: Pick<FileSource, 'etag' | 'modified' | 'size' | 'encoding'>): Validators {
  const now = new Date();
  // False for a time that is none, too.
  const known = file.modified && file.modified.getTime() >= earliest ? file.modified : undefined;
  const modified = known && known > now ? now : known;
  // A source's own mistake must not become a header that no client can use, or that Node refuses to send.
  const own = file.etag !== undefined && parseTag(file.etag) ? file.etag : undefined;
  const size = sizeOf(file);
  const plain = own ?? (known && size !== undefined ? weakTag(size, known) : undefined);
  const encoded = file.encoding !== undefined && file.encoding !== 'identity' ? file.encoding : undefined;
  const etag = plain !== undefined && encoded !== undefined ? encodedTag(plain, encoded) : plain;
  return { ...(etag !== undefined && { etag }), ...(modified && { modified }) };
}
