import type { FileSource, LoadHint, UrlOptions } from '../file/file.js';
import { contentDisposition } from '../http/disposition.js';
import { contentType, harmlessType, isInert } from '../http/type.js';
import type { Download } from '../response/download.js';
import type { DownloadHooks } from '../response/hooks.js';
import { whileSigned, type Signed } from './signed.js';
import type { Choice, DownloadViewOptions } from './view-options.js';

const cacheProfiles: Readonly<Record<string, string>> = {
  private: 'private, no-cache',
  immutable: 'private, max-age=31536000, immutable',
};

/** A file that was found and may be read. */
export interface Presented<Raw, Subject> {
  readonly raw: Raw;
  readonly subject: Subject;
  readonly file: FileSource;
  readonly hooks: DownloadHooks | undefined;
  readonly signed: Signed | undefined;
}

/** The download of a file. Its headers come from the view's options, else from the file. */
export async function present<Raw, Subject>(
  { raw, subject, file, hooks, signed }: Presented<Raw, Subject>,
  options: DownloadViewOptions<Raw, Subject>,
): Promise<Download> {
  const choose = <Value>(choice: Choice<Value, Raw, Subject> | undefined): Value | undefined | Promise<Value> =>
    typeof choice === 'function'
      ? (choice as (request: Raw, subject: Subject) => Value | Promise<Value>)(raw, subject)
      : choice;
  const name = signed?.fileName ?? (await choose(options.fileName)) ?? file.name;
  const chosen = await choose(options.contentType);
  const known = contentType(chosen ?? file.type, name);
  const type = chosen === undefined && file.uploaded ? harmlessType(known) : known;
  const inline = (await choose(options.disposition)) === 'inline' && isInert(type);
  const caching = (await choose(options.cacheControl)) ?? file.cacheControl ?? 'private';
  const headers: Record<string, string> = {
    'content-type': type,
    'content-disposition': contentDisposition(inline ? 'inline' : 'attachment', name),
    'cache-control': whileSigned(cacheProfiles[caching] ?? caching, signed),
    'x-content-type-options': 'nosniff',
  };
  // A browser that displays the file in spite of Content-Disposition runs no script.
  if (!isInert(type)) headers['content-security-policy'] = "sandbox; default-src 'none'";
  if (file.encoding !== undefined) headers.vary = 'Accept-Encoding';
  if (file.encoding !== undefined && file.encoding !== 'identity') headers['content-encoding'] = file.encoding;
  const etag = await choose(options.etag);
  const modified = await choose(options.modified);
  return {
    status: 200,
    headers,
    file: etag === undefined && modified === undefined ? file : withValidators(file, { etag, modified }),
    ...(hooks && { hooks }),
    ...(signed && { expires: signed.expires }),
  };
}

/** All members of a file, so that the compiler reports a new one that is not listed here. */
type EveryMember<Type> = { [Member in keyof Required<Type>]: Type[Member] };

/** The same file with another tag or time. Not a spread: the members of a stored file belong to its class. */
function withValidators(file: FileSource, given: { readonly etag?: string; readonly modified?: Date }): FileSource {
  const changed: EveryMember<FileSource> = {
    name: file.name,
    type: file.type,
    uploaded: file.uploaded,
    size: file.size,
    sha256: file.sha256,
    cacheControl: file.cacheControl,
    encoding: file.encoding,
    readsFromStart: file.readsFromStart,
    etag: given.etag ?? file.etag,
    modified: given.modified ?? file.modified,
    origin: file.origin,
    load: file.load && (async (hint?: LoadHint) => withValidators(await file.load!(hint), given)),
    locate: file.locate && (() => file.locate!()),
    url: file.url && ((options: UrlOptions) => file.url!(options)),
    remoteUrl: file.remoteUrl,
    open: (range) => file.open(range),
    close: () => file.close?.(),
  };
  return changed;
}
