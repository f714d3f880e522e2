import type { IncomingMessage } from 'node:http';
import { FileFieldError } from '../errors.js';
import type { ByteRange, FileBody } from '../file/body.js';
import type { FileSource, LoadHint } from '../file/file.js';
import { nameOfUrl } from '../file/name.js';
import { parseHttpDate } from '../http/date.js';
import { parseTag, weaken } from '../http/etag.js';
import { parseContentRange } from '../http/range.js';
import { remoteBody } from './remote-body.js';
import {
  isPrivateAllowed,
  requestUpstream,
  upstreamSettings,
  type UpstreamOptions,
  type UpstreamRequest,
  type UpstreamSettings,
} from './upstream.js';

/** Options of `remoteFile`. */
export interface RemoteFileOptions extends UpstreamOptions {
  /**
   * File name shown to clients.
   * @default the last part of the URL's path, decoded; the host name if the path has none
   */
  readonly name?: string;
  /**
   * Media type.
   * @default the Content-Type of the other server
   */
  readonly type?: string;
}

/** What the head of another server's response says about a file. */
interface RemoteHead {
  /** True for 200, and for 206 with the single range that was requested. */
  readonly usable: boolean;
  /** As in Content-Type, with its parameters. */
  readonly type?: string;
  /** Length of the whole file in bytes. */
  readonly size?: number;
  readonly modified?: Date;
  readonly etag?: string;
  /** The range that the response contains; absent for the whole file. */
  readonly part?: ByteRange;
  /** The content coding that has to be decoded. */
  readonly encoding?: string;
  /** True if the server says that it answers ranges. */
  readonly ranges: boolean;
}

interface Reply {
  readonly method: 'GET' | 'HEAD';
  readonly head: RemoteHead;
  readonly message: IncomingMessage;
  /** True if another URL answered than the one that was asked. */
  readonly redirected: boolean;
}

interface Remote {
  readonly url: URL;
  readonly name: string;
  readonly type?: string;
  readonly settings: UpstreamSettings;
}

/**
 * A file on another HTTP server, streamed through this process and not stored. Size, type, entity-tag and time are those
 * of the other server. A HEAD request is forwarded as HEAD, and a single range as a range.
 *
 * Opening and loading reject with `not_found` if the server answers 404 or 410, with `upstream_failed` for any other
 * failure, and with `upstream_timeout` if the server is too slow.
 *
 * @throws `invalid_option` unless the URL is absolute, and for a `timeout` or `maxRedirects` out of range
 *
 * @example
 * ```ts
 * import { downloadView, remoteFile } from 'filefield';
 *
 * const logo = downloadView(async () => ({ subject: null, file: () => remoteFile('https://files.example/logo.png') }));
 * ```
 */
export function remoteFile(url: string | URL, options: RemoteFileOptions = {}): FileSource {
  if (!URL.canParse(String(url))) throw new FileFieldError('invalid_option', 'A remote file needs an absolute URL.');
  const target = new URL(url);
  const name = options.name ?? nameOfUrl(target) ?? target.hostname;
  const remote: Remote = { url: target, name, type: options.type, settings: upstreamSettings(options) };
  return {
    name,
    type: options.type,
    load: (hint = { head: false }) => load(remote, hint),
    open: (range) => openRange(remote, range),
  };
}

async function load(remote: Remote, hint: LoadHint): Promise<FileSource> {
  const { method, head, message, redirected } = await firstReply(remote, hint);
  let unread = method === 'HEAD' ? undefined : message;
  if (!unread) message.resume();
  return {
    name: remote.name,
    type: remote.type ?? head.type,
    size: head.size,
    modified: head.modified,
    etag: head.etag,
    readsFromStart: !head.ranges,
    remoteUrl: redirected || head.encoding !== undefined ? undefined : remoteUrl(remote),
    async open(range) {
      const fits = !head.part || (head.part.start === range?.start && head.part.end === range.end);
      if (!unread || !fits) return openRange(remote, range, head);
      const body = unread;
      unread = undefined;
      return remoteBody(body, head, range, remote.settings.timeout);
    },
    close: () => unread?.destroy(),
  };
}

// Characters that a front would decode on its way and not encode again, so that it would ask for another path.
const decoded = /%(?:00|2[146-9a-cf]|3[abd]|40|5[bd])/i;

/**
 * The URL for a front that fetches the file in place of this process. Undefined if the front could not keep what this
 * process keeps: secrets in headers or in the URL, the exact path, and public addresses only. A certificate proves as much as
 * an address: the server has the name that the operator has mapped.
 */
function remoteUrl({ url, settings }: Remote): string | undefined {
  const secret = Object.keys(settings.headers).length > 0 || url.username !== '' || url.password !== '';
  const verified = url.protocol === 'https:' || isPrivateAllowed(url, settings.allowPrivate);
  if (secret || !verified || decoded.test(url.pathname)) return undefined;
  return `${url.origin}${url.pathname}${url.search}`;
}

/**
 * Requests only what the client wants: HEAD for HEAD and for several ranges, which are fetched one by one later, and a
 * range for a range. If the server does not support that, the request is repeated in a simpler form.
 */
async function firstReply(remote: Remote, { head, range }: LoadHint): Promise<Reply> {
  const singleRange = range !== undefined && /^bytes=(?:\d{1,15}-\d{0,15}|-\d{1,15})$/i.test(range);
  const ranged = [{ method: 'GET', range }, { method: 'HEAD' }, { method: 'GET' }] as const;
  const metadataFirst = head || (range !== undefined && !singleRange);
  const attempts: readonly UpstreamRequest[] = metadataFirst ? ranged.slice(1) : singleRange ? ranged : ranged.slice(2);
  for (const attempt of attempts) {
    const reply = await ask(remote, attempt);
    if (reply.head.usable) return reply;
    reply.message.destroy();
  }
  throw new FileFieldError('upstream_failed', 'The other server sent a response that does not match the request.');
}

/** @param known the head that the client was sent; the bytes must belong to the same version of the file */
async function openRange(remote: Remote, range: ByteRange | undefined, known?: RemoteHead): Promise<FileBody> {
  const { head, message } = await ask(remote, {
    method: 'GET',
    range: range && `bytes=${range.start}-${range.end}`,
  });
  const same = !known || isSameVersion(known, head);
  if (same && contains(head, range)) return remoteBody(message, head, range, remote.settings.timeout);
  message.destroy();
  const reason = same
    ? 'The other server sent another part of the file than it was asked for.'
    : 'The file on the other server changed during the download.';
  throw new FileFieldError('upstream_failed', reason);
}

/** True if a response has all bytes of the range (RFC 9110 section 15.3.7). */
function contains({ usable, part }: RemoteHead, range: ByteRange | undefined): boolean {
  if (!usable || !part) return usable;
  return range !== undefined && part.start <= range.start && part.end >= range.end;
}

async function ask({ url, settings }: Remote, request: UpstreamRequest): Promise<Reply> {
  const { message, url: answered } = await requestUpstream(url, request, settings);
  const head = headOf(message, request.range !== undefined);
  const status = message.statusCode ?? 0;
  // 405 and 501 refuse HEAD, 416 and a wrong 206 refuse the range: the caller tries another form of the request.
  if (head.usable || [206, 405, 416, 501].includes(status)) {
    return { method: request.method, head, message, redirected: answered.href !== url.href };
  }
  message.destroy();
  if (status === 404 || status === 410) {
    throw new FileFieldError('not_found', `The other server has no such file (${status}).`);
  }
  throw new FileFieldError('upstream_failed', `The other server answered ${status}.`);
}

/** @param ranged true if the request had a Range header */
function headOf({ statusCode, headers }: IncomingMessage, ranged: boolean): RemoteHead {
  const encoding = encodingOf(headers['content-encoding']);
  const modified = parseHttpDate(headers['last-modified'] ?? '');
  const etag = headers.etag !== undefined && parseTag(headers.etag) ? headers.etag : undefined;
  const description = {
    type: headers['content-type'],
    modified: modified === undefined ? undefined : new Date(modified * 1000),
    // A strong tag identifies the encoded bytes, not the decoded ones that the client gets (RFC 9110 section 8.8.3.3).
    etag: encoding && etag ? weaken(etag) : etag,
    encoding,
    ranges: statusCode === 206 || /\bbytes\b/i.test(headers['accept-ranges'] ?? ''),
  };
  if (statusCode === 200) {
    const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')?.[0];
    return { ...description, usable: true, size: encoding || length === undefined ? undefined : Number(length) };
  }
  const part = statusCode === 206 && ranged ? parseContentRange(headers['content-range']) : undefined;
  // A part of an encoded body cannot be decoded.
  if (!part || encoding) return { ...description, usable: false };
  return { ...description, usable: true, size: part.size, part: part.range };
}

function encodingOf(header: string | undefined): string | undefined {
  const encoding = header?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}

/** True unless a validator that both heads have differs. */
function isSameVersion(a: RemoteHead, b: RemoteHead): boolean {
  const differ = <Value>(one: Value | undefined, other: Value | undefined) =>
    one !== undefined && other !== undefined && one !== other;
  return !differ(a.etag, b.etag) && !differ(a.modified?.getTime(), b.modified?.getTime()) && !differ(a.size, b.size);
}
