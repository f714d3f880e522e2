import type { IncomingMessage } from 'node:http';
import { FileFieldError } from '../errors.js';
import type { ByteRange, FileBody } from '../file/body.js';
import type { FileSource, LoadHint } from '../file/file.js';
import { remoteBody } from './remote-body.js';
import { remoteHead, type RemoteHead } from './remote-head.js';
import { askUpstream, type UpstreamOptions } from './upstream.js';

export interface RemoteFileOptions extends UpstreamOptions {
  /**
   * The name shown to people.
   * @default the last part of the URL's path, decoded; else its host
   */
  readonly name?: string;
  /**
   * Media type.
   * @default what the other server says
   */
  readonly type?: string;
}

interface Answered {
  readonly method: 'GET' | 'HEAD';
  readonly head: RemoteHead;
  readonly message: IncomingMessage;
}

/**
 * A file on another server, passed on and not stored. Its size, type, tag and time are those that the server gives; where
 * only a head or a range is wanted, only that is asked for. A file that is not there is `not_found`; a server that
 * fails is `upstream_failed`, one that is too slow `upstream_timeout`.
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
  const place = new URL(url);
  const ask = async (method: 'GET' | 'HEAD', range?: string) => {
    const message = await askUpstream(place, { method, range }, options);
    return { method, ...answered(message, range) };
  };
  const described = (head: RemoteHead) => ({
    name: options.name ?? nameOf(place),
    type: options.type ?? head.type,
    size: head.size,
    modified: head.modified,
    etag: head.etag,
  });
  const openRange = async (range: ByteRange | undefined, known: RemoteHead | undefined) => {
    const got = await ask('GET', range && `bytes=${range.start}-${range.end}`);
    if (!known || isSame(known, got.head)) return remoteBody(got.message, got.head, range, options.timeout);
    got.message.destroy();
    throw new FileFieldError('upstream_failed', 'A file on another server changed while it was served.');
  };
  const load = async (hint: LoadHint = { head: false }): Promise<FileSource> => {
    // One range goes along, several are fetched one by one later; a server that cannot do HEAD is asked for all.
    const single = hint.range !== undefined && /^bytes=(?:\d{1,15}-\d{0,15}|-\d{1,15})$/i.test(hint.range);
    const looks = hint.head || (hint.range !== undefined && !single);
    let got = await ask(looks ? 'HEAD' : 'GET', looks || !single ? undefined : hint.range);
    if (!got.head.usable) got = await another(got, () => ask(single ? 'HEAD' : 'GET'));
    if (!got.head.usable) got = await another(got, () => ask('GET'));
    const { head } = got;
    if (!head.usable) {
      got.message.destroy();
      throw new FileFieldError('upstream_failed', 'The other server gave an answer that is none to what was asked.');
    }
    let held = got.method === 'HEAD' ? undefined : got.message;
    if (!held) got.message.resume();
    return {
      ...described(head),
      async open(range): Promise<FileBody> {
        const fits = held && (!head.part || (head.part.start === range?.start && head.part.end === range.end));
        if (!held || !fits) return openRange(range, head);
        const message = held;
        held = undefined;
        return remoteBody(message, head, range, options.timeout);
      },
      close: () => held?.destroy(),
    };
  };
  return {
    name: options.name ?? nameOf(place),
    type: options.type,
    load,
    open: (range) => openRange(range, undefined),
  };
}

async function another(former: Answered, ask: () => Promise<Answered>): Promise<Answered> {
  former.message.destroy();
  return ask();
}

function answered(message: IncomingMessage, range: string | undefined): Omit<Answered, 'method'> {
  const status = message.statusCode ?? 0;
  const head = remoteHead(message, range !== undefined);
  // 405 and 501 are for HEAD, 416 for a range; the same question in another way may get an answer.
  if (head.usable || [405, 416, 501].includes(status) || status === 206) return { head, message };
  message.destroy();
  if (status === 404 || status === 410) {
    throw new FileFieldError('not_found', `The other server has no such file (${status}).`);
  }
  throw new FileFieldError('upstream_failed', `The other server answered ${status}.`);
}

/** Whether two answers are about the same bytes, as far as both of them tell. */
function isSame(a: RemoteHead, b: RemoteHead): boolean {
  const differ = <Value>(one: Value | undefined, other: Value | undefined) =>
    one !== undefined && other !== undefined && one !== other;
  return !differ(a.etag, b.etag) && !differ(a.modified?.getTime(), b.modified?.getTime()) && !differ(a.size, b.size);
}

function nameOf(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  if (last === '') return url.hostname;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
