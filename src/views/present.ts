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

/** What the options choose for one file. */
interface Chosen {
  readonly fileName?: string | undefined;
  readonly contentType?: string | undefined;
  readonly disposition?: 'attachment' | 'inline' | undefined;
  readonly cacheControl?: string | undefined;
  readonly etag?: string | undefined;
  readonly modified?: Date | undefined;
}

/** Makes downloads of files. */
export type Presenter<Raw, Subject> = (found: Presented<Raw, Subject>) => Download | Promise<Download>;

/** Makes downloads whose headers come from the view's options, else from the file. */
export function presenter<Raw, Subject>(options: DownloadViewOptions<Raw, Subject>): Presenter<Raw, Subject> {
  const { fileName, contentType: type, disposition, cacheControl, etag, modified } = options;
  const chosen = { fileName, contentType: type, disposition, cacheControl, etag, modified };
  // Most views choose by no function; then nothing is waited for.
  return areConstant(chosen)
    ? (found) => present(found, chosen)
    : async (found) => present(found, await choose(found, chosen));
}

type Choices<Raw, Subject> = { readonly [Name in keyof Chosen]: Choice<Chosen[Name], Raw, Subject> };

const areConstant = (choices: object): choices is Chosen =>
  Object.values(choices).every((choice) => typeof choice !== 'function');

async function choose<Raw, Subject>(
  { raw, subject, signed }: Presented<Raw, Subject>,
  choices: Choices<Raw, Subject>,
): Promise<Chosen> {
  const chosen: Record<string, unknown> = {};
  for (const [name, choice] of Object.entries(choices)) {
    // The signature decides the name.
    if (name === 'fileName' && signed?.fileName !== undefined) continue;
    chosen[name] =
      typeof choice === 'function' ? await (choice as (raw: Raw, subject: Subject) => unknown)(raw, subject) : choice;
  }
  return chosen;
}

function present<Raw, Subject>({ file, hooks, signed }: Presented<Raw, Subject>, chosen: Chosen): Download {
  const name = signed?.fileName ?? chosen.fileName ?? file.name;
  const known = contentType(chosen.contentType ?? file.type, name);
  const type = chosen.contentType === undefined && file.uploaded ? harmlessType(known) : known;
  const inline = chosen.disposition === 'inline' && isInert(type);
  const caching = chosen.cacheControl ?? file.cacheControl ?? 'private';
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
  const { etag, modified } = chosen;
  const served = etag === undefined && modified === undefined ? file : withValidators(file, { etag, modified });
  return { status: 200, headers, file: served, hooks, expires: signed?.expires };
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
