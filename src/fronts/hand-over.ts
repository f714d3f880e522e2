import type { FileSource, LocatedFile } from '../file/file.js';
import { checkPreconditions } from '../response/preconditions.js';
import { reprDigest } from '../http/digest.js';
import { header, type DownloadRequest } from '../response/request.js';
import { validatorsOf } from '../response/preconditions.js';
import type { Delivery, Download } from '../response/download.js';
import { deliveryOf } from './delivery-of.js';
import { explain, type StreamReason } from './explain.js';
import type { HandOverOptions } from './hand-over-options.js';
import type { MappedPath } from './places.js';

/** What makes one server in front different from the others. */
export interface Front {
  readonly name: string;
  /** The header that names the file. */
  readonly header: 'x-accel-redirect' | 'x-sendfile';
  /** The header's value; undefined for a name that this server cannot carry. */
  readonly encode: (place: MappedPath) => string | undefined;
  /** Whose ETag and Last-Modified the client sees: those of the view, or the server's own. */
  readonly validators: 'view' | 'server';
  /** The header's value for a file that is not on this machine; undefined where that is no use. */
  readonly remote?: (request: DownloadRequest, response: Download) => Promise<string | undefined>;
  /** What this server is told besides, of a download that is streamed through it too. */
  readonly headers?: (request: DownloadRequest) => Readonly<Record<string, string>>;
}

type MapPath = (file: string) => MappedPath | undefined;

/** An instruction for the server in front, or why there is none. */
type Instruction = { readonly value: string; readonly located?: LocatedFile } | { readonly reason: StreamReason };

/**
 * The delivery for a server: a download becomes an answer without bytes that says where they are. Nothing is opened; the
 * file is looked for, since two of four servers would answer a missing one with the head of the download.
 */
export function handOver(front: Front, map: MapPath, options: HandOverOptions): Delivery {
  return deliveryOf(async (request, response, file) => {
    const told = { delivery: front.name, name: file.name };
    const found = await instruct(front, map, request, response, file, options);
    const headers: Record<string, string> = { ...response.headers, ...front.headers?.(request) };
    if ('reason' in found)
      return explain(request, { ...response, headers }, { ...told, reason: found.reason }, options);
    headers[front.header] = found.value;
    const digest = reprDigest(file.sha256, header(request, 'want-repr-digest'));
    if (digest !== undefined) headers['repr-digest'] = digest;
    if (front.validators === 'view' && found.located) {
      const { etag, modified } = validatorsOf(asLocated(file, found.located));
      if (etag !== undefined) headers.etag = etag;
      if (modified) headers['last-modified'] = modified.toUTCString();
    }
    file.close?.();
    return explain(request, { ...response, headers, file: null, settled: true }, told, options);
  });
}

async function instruct(
  front: Front,
  map: MapPath,
  request: DownloadRequest,
  response: Download,
  file: FileSource,
  { minSize = 0 }: HandOverOptions,
): Promise<Instruction> {
  // A server in front would send the stored bytes as if they were the file's own.
  if (response.headers['content-encoding'] !== undefined) return { reason: 'encoded' };
  let located: LocatedFile | undefined;
  try {
    located = await file.locate?.();
  } catch {
    // The view finds out the same when it opens the file, and tells whoever must be told.
    return { reason: 'not_there' };
  }
  const size = located?.size ?? file.size;
  if (size !== undefined && size < minSize) return { reason: 'small' };
  const place = located && map(located.path);
  if (!located || !place) {
    const value = await front.remote?.(request, response);
    return value === undefined ? { reason: located ? 'no_place' : 'no_path' } : { value };
  }
  if (file.size !== undefined && file.size !== located.size) return { reason: 'not_there' };
  const value = front.encode(place);
  if (value === undefined) return { reason: 'name' };
  // Whoever keeps the view's validators may still not know If-Match; the view does.
  const failed = () => checkPreconditions(request, validatorsOf(asLocated(file, located))) === 'failed';
  return front.validators === 'view' && failed() ? { reason: 'condition' } : { value, located };
}

/** Just as the view would see the file, had it opened it. */
function asLocated(
  { etag, modified }: FileSource,
  located: LocatedFile,
): Pick<FileSource, 'etag' | 'modified' | 'size'> {
  return { etag, modified: modified ?? located.modified, size: located.size };
}
