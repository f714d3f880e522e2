import type { FileSource, LoadHint, UrlOptions } from '../file/file.js';
import { contentDisposition } from '../http/disposition.js';
import { contentType, isInert } from '../http/type.js';
import type { DownloadHooks, Download } from '../response/download.js';
import type { Choice, DownloadViewOptions } from './view-options.js';
import { whileSigned, type Signed } from './signed.js';

const profiles: Readonly<Record<string, string>> = {
  private: 'private, no-cache',
  immutable: 'private, max-age=31536000, immutable',
};

/** The response for a file that was found and may be had: what the options say of it, else what it says itself. */
export async function present<Raw, Subject>(
  raw: Raw,
  subject: Subject,
  file: FileSource,
  options: DownloadViewOptions<Raw, Subject>,
  hooks: DownloadHooks | undefined,
  signed?: Signed,
): Promise<Download> {
  const choose = <Value>(choice: Choice<Value, Raw, Subject> | undefined): Value | undefined | Promise<Value> =>
    typeof choice === 'function'
      ? (choice as (request: Raw, subject: Subject) => Value | Promise<Value>)(raw, subject)
      : choice;
  const name = signed?.fileName ?? (await choose(options.fileName)) ?? file.name;
  const type = contentType((await choose(options.contentType)) ?? file.type, name);
  const shown = ((await choose(options.disposition)) ?? 'attachment') === 'inline' && isInert(type);
  const caching = (await choose(options.cacheControl)) ?? 'private';
  const headers: Record<string, string> = {
    'content-type': type,
    'content-disposition': contentDisposition(shown ? 'inline' : 'attachment', name),
    'cache-control': whileSigned(profiles[caching] ?? caching, signed),
    'x-content-type-options': 'nosniff',
  };
  // Should a browser show it all the same, it runs nothing.
  if (!isInert(type)) headers['content-security-policy'] = "sandbox; default-src 'none'";
  if (file.encoding !== undefined) headers.vary = 'Accept-Encoding';
  if (file.encoding !== undefined && file.encoding !== 'identity') headers['content-encoding'] = file.encoding;
  const [etag, modified] = [await choose(options.etag), await choose(options.modified)];
  const validated = etag === undefined && modified === undefined ? file : withValidators(file, { etag, modified });
  return {
    status: 200,
    headers,
    file: validated,
    ...(hooks && { hooks }),
    ...(signed && { expires: signed.expires }),
  };
}

/** The same file, under another tag or time. Not a copy: a stored file's properties are of its class. */
function withValidators(file: FileSource, given: { readonly etag?: string; readonly modified?: Date }): FileSource {
  return {
    name: file.name,
    type: file.type,
    size: file.size,
    sha256: file.sha256,
    encoding: file.encoding,
    etag: given.etag ?? file.etag,
    modified: given.modified ?? file.modified,
    origin: file.origin,
    ...(file.load && { load: async (hint?: LoadHint) => withValidators(await file.load!(hint), given) }),
    ...(file.locate && { locate: () => file.locate!() }),
    ...(file.url && { url: (options: UrlOptions) => file.url!(options) }),
    open: (range) => file.open(range),
    close: () => file.close?.(),
  };
}
