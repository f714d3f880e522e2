import type { FileSource, LocatedFile } from '../file/file.js';
import { chooseRange } from '../http/range.js';
import { byteSize, type ByteSize } from '../options.js';
import type { Delivery, Download } from '../response/download.js';
import { checkPreconditions, rangeApplies, validatorsOf } from '../response/preconditions.js';
import { digestFor, header, type DownloadRequest } from '../response/request.js';
import { explain, type ExplainOptions, type StreamReason } from './explain.js';
import type { ConditionHeader, Front } from './front.js';
import { mapPaths, type FrontPath, type HandOverFolders } from './places.js';

/** Options of every delivery that lets another server send the bytes. */
export interface HandOverOptions extends ExplainOptions {
  /**
   * Smaller files are streamed by this process. A hand-over has a fixed cost: the server in front makes two lookups, and
   * nginx opens a new connection to the application afterwards.
   * @default 0
   */
  readonly minSize?: ByteSize;
}

/** What one delivery does differently from its front. */
export interface HandOverSettings extends HandOverOptions {
  /** @default that of the front */
  readonly encode?: Front['encode'];
  /** Extra headers for this server, also sent with streamed responses. */
  readonly headers?: (request: DownloadRequest, download: Download) => Readonly<Record<string, string>>;
  /** The value of the front's header for a file that is not on this machine; undefined if the front cannot fetch it. */
  readonly remote?: (download: Download) => Promise<string | undefined>;
}

/**
 * A delivery made of a function that handles one file. Responses without a file, and those that are settled, pass
 * unchanged. If the function fails, such as when a storage cannot sign a URL, the file is closed.
 */
export function fileDelivery(
  deliver: (request: DownloadRequest, download: Download, file: FileSource) => Promise<Download>,
): Delivery {
  return (handler) => async (request) => {
    const download = await handler(request);
    const { file } = download;
    if (download.settled || download.status !== 200 || !file) return download;
    try {
      return await deliver(request, download, file);
    } catch (error) {
      file.close?.();
      throw error;
    }
  };
}

/**
 * The delivery for a front: it replaces the bytes of a download by a header that names the file. Nothing is opened, but the
 * file is looked up, because two of the four servers answer 404 with the headers of the download when it is missing.
 *
 * @throws `invalid_option` for folders or options that cannot work
 */
export function handOver(front: Front, folders: HandOverFolders, settings: HandOverSettings): Delivery {
  const minSize = byteSize('minSize', settings.minSize ?? 0);
  const map = mapPaths(folders, front.paths, settings.remote ? 0 : 1);
  const chooser: Chooser = { front, map, encode: settings.encode ?? front.encode, minSize, remote: settings.remote };
  return fileDelivery(async (request, download, file) => {
    const decision = { delivery: front.name, name: file.name };
    const choice = await choose(chooser, request, download, file);
    const headers: Record<string, string> = { ...download.headers, ...settings.headers?.(request, download) };
    if ('reason' in choice) {
      return explain(request, { ...download, headers }, { ...decision, reason: choice.reason }, settings);
    }
    headers[front.header] = choice.value;
    const digest = digestFor(request, file.sha256);
    if (digest !== undefined) headers['repr-digest'] = digest;
    const { etag, modified } = validatorsOf(choice.file);
    if (etag !== undefined) headers.etag = etag;
    if (modified) headers['last-modified'] = modified.toUTCString();
    file.close?.();
    return explain(request, { ...download, headers, file: null, settled: true }, decision, settings);
  });
}

interface Chooser {
  readonly front: Front;
  readonly map: (file: string) => FrontPath | undefined;
  readonly encode: Front['encode'];
  /** Bytes. */
  readonly minSize: number;
  readonly remote: HandOverSettings['remote'];
}

/** The metadata by which the If-* headers are evaluated. */
type Metadata = Pick<FileSource, 'etag' | 'modified' | 'size'>;

/** The value of the front's header, or why the file is streamed. */
type Choice = { readonly value: string; readonly file: Metadata } | { readonly reason: StreamReason };

async function choose(
  { front, map, encode, minSize, remote }: Chooser,
  request: DownloadRequest,
  download: Download,
  file: FileSource,
): Promise<Choice> {
  // The server in front would send the stored bytes without their Content-Encoding.
  if (download.headers['content-encoding'] !== undefined) return { reason: 'encoded' };
  let located: LocatedFile | undefined;
  try {
    located = await file.locate?.();
  } catch {
    // The view gets the same error when it opens the file, and reports it.
    return { reason: 'not_there' };
  }
  const size = located?.size ?? file.size;
  if (size !== undefined && size < minSize) return { reason: 'small' };
  const path = located && map(located.path);
  if (!located || !path) {
    const value = await remote?.(download);
    if (value === undefined) return { reason: located ? 'no_place' : 'no_path' };
    return chooseFetched(value, request, file, minSize);
  }
  if (file.size !== undefined && file.size !== located.size) return { reason: 'not_there' };
  const value = encode(path);
  if (value === undefined) return { reason: 'name' };
  const known = asLocated(file, located);
  return isOurs(front, request, known) ? { reason: 'condition' } : { value, file: known };
}

/**
 * For a file that the front fetches from another server. That server gets no condition of the client, since its tags are not
 * those of the view, and not every bucket knows If-Range. It gets a range if the view would answer it with one part.
 */
async function chooseFetched(
  value: string,
  request: DownloadRequest,
  file: FileSource,
  minSize: number,
): Promise<Choice> {
  let known = file;
  try {
    if (file.load) known = await file.load({ head: true });
  } catch {
    // The view gets the same error when it opens the file, and reports it.
    return { reason: 'not_there' };
  }
  if (known !== file) known.close?.();
  if (known.size !== undefined && known.size < minSize) return { reason: 'small' };
  const validators = validatorsOf(known);
  const whole = header(request, 'range') === undefined;
  const alike = whole || (rangeApplies(request, validators) && isOnePart(request, known.size));
  if (!alike || checkPreconditions(request, validators) !== 'proceed') return { reason: 'condition' };
  return { value, file: known };
}

/** True if the Range header asks for one part that the file has. Of several, buckets send all, one, or the whole file. */
function isOnePart(request: DownloadRequest, size: number | undefined): boolean {
  const range = header(request, 'range') ?? '';
  if (request.method !== 'GET' || !/^bytes=[\d-]+$/i.test(range)) return false;
  return chooseRange(range, size ?? Number.MAX_SAFE_INTEGER).kind === 'part';
}

const conditionHeaders: readonly ConditionHeader[] = [
  'if-match',
  'if-unmodified-since',
  'if-modified-since',
  'if-range',
];

/** True for a conditional request that this process answers: with 304 or 412, or because the front would not answer it right. */
function isOurs({ conditions }: Front, request: DownloadRequest, file: Metadata): boolean {
  if (checkPreconditions(request, validatorsOf(file)) !== 'proceed') return true;
  return conditionHeaders.some((name) => header(request, name) !== undefined && !conditions.includes(name));
}

/** The metadata that the view would see if it opened the file. */
function asLocated({ etag, modified }: FileSource, located: LocatedFile): Metadata {
  return { etag, modified: modified ?? located.modified, size: located.size };
}
