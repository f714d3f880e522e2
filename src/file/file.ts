import type { ByteRange, FileBody } from './body.js';

/** A file on this machine, and its state when it was looked for. */
export interface LocatedFile {
  /** Absolute path that another program may open: links were judged by the same rules as when the file is opened. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When the file was last changed. */
  readonly modified: Date;
}

/** What a URL that fetches a file from its storage must allow, and the headers of its response. */
export interface UrlOptions {
  /** Milliseconds after which the URL must stop working. */
  readonly expiresIn: number;
  /** The only method that the URL must allow. */
  readonly method: 'GET' | 'HEAD';
  /** The Content-Type header of the response. */
  readonly contentType?: string;
  /** The Content-Disposition header of the response. */
  readonly contentDisposition?: string;
}

/** What is most likely read from a file once it is loaded. */
export interface LoadHint {
  /** True if no bytes will be read. */
  readonly head: boolean;
  /** The Range header of the request. */
  readonly range?: string | undefined;
}

/**
 * A file that can be served: a name, metadata, and bytes from anywhere. The serving half works on this interface only.
 *
 * Nothing is read before `open`. A source that knows its `size` answers 304, 416 and HEAD without I/O. A source that must
 * look first has `load`, which may keep what it opened, so that metadata and bytes belong to one version.
 */
export interface FileSource {
  /** The name shown to people; never a path or a key. */
  readonly name: string;
  /** Media type without parameters; absent if unknown. */
  readonly type?: string | undefined;
  /**
   * True if the bytes come from people who upload: JavaScript, CSS and their kin are then served as text/plain, unless the
   * view names a type.
   * @default false
   */
  readonly uploaded?: boolean | undefined;
  /** Bytes; absent if unknown until `load`, or always unknown without `load`. */
  readonly size?: number | undefined;
  /** When the file was last changed; absent if unknown. */
  readonly modified?: Date | undefined;
  /** An entity-tag as sent: `"x"` if the source guarantees that it changes with the bytes, `W/"x"` if not. */
  readonly etag?: string | undefined;
  /** The Cache-Control of responses, or `'private'` or `'immutable'`, where the view names none. */
  readonly cacheControl?: string | undefined;
  /**
   * The Content-Encoding of the stored bytes, or `'identity'`, if the source chose one by the Accept-Encoding header.
   * @default the request had no influence
   */
  readonly encoding?: string | undefined;
  /** SHA-256 of all bytes, hexadecimal. */
  readonly sha256?: string | undefined;
  /**
   * True if a range is read from the first byte on, as of a generator: several ranges in one request would read the file
   * several times, so they are answered with the whole file (RFC 9110 section 14.2).
   * @default false
   */
  readonly readsFromStart?: boolean | undefined;
  /** The storage that holds the file; `deliveryRules` compares it by identity. */
  readonly origin?: object | undefined;
  /**
   * Looks for the file on this machine without opening it, so that a front can read it. Resolves to undefined if it is not
   * a file on this machine. Rejects with `not_found`.
   */
  locate?(): Promise<LocatedFile | undefined>;
  /** A URL where a client can fetch the file from its storage; undefined if there is none. */
  url?(options: UrlOptions): Promise<string | undefined>;
  /**
   * The URL from which a front may fetch the same bytes in place of this process, without a header of its own and without
   * following redirects. Clients never see it. Absent if only this process may or can fetch them.
   */
  readonly remoteUrl?: string | undefined;
  /**
   * Looks for the file and returns it with its metadata. Rejects with `not_found` or `missing`. The hint lets a remote
   * source answer with one round trip instead of two.
   */
  readonly load?: ((hint?: LoadHint) => Promise<FileSource>) | undefined;
  /**
   * Opens all bytes or one range. A loaded file may be opened again until it is closed. Rejects with `not_found` or
   * `missing`.
   */
  open(range?: ByteRange): Promise<FileBody>;
  /** Releases what `load` holds. Safe to call twice, and after `open`. */
  close?(): void;
}
