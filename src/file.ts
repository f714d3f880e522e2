/** Bytes `start` to `end`, both inclusive and counted from 0, as in RFC 9110 section 14.1. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where a file is on this machine, and what it was when it was looked for. */
export interface LocatedFile {
  /** Absolute, and fit to be handed to another program: what the path leads to was judged as for opening. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
}

/** What a URL that fetches a file from its storage must allow, and say of the file. */
export interface UrlOptions {
  /** Milliseconds that it must be good for, and no longer. */
  readonly expiresIn: number;
  readonly method: 'GET' | 'HEAD';
  /** The Content-Type header to answer with. */
  readonly contentType?: string;
  /** The Content-Disposition header to answer with. */
  readonly contentDisposition?: string;
}

/** What will most likely be asked of a file once it is loaded. */
export interface LoadHint {
  /** No bytes at all. */
  readonly head: boolean;
  /** The Range header of the request. */
  readonly range?: string;
}

/**
 * A name and bytes, wherever they are. Serving works on this and nothing else.
 *
 * Nothing is read until `open`. A source that knows its `size` beforehand is answered for without any I/O (304, 416,
 * HEAD); one that must look has `load`, which keeps what it opened so that metadata and bytes come from one handle.
 */
export interface FileSource {
  /** The name shown to people; never a path or a key. */
  readonly name: string;
  /** Media type without parameters; absent means unknown. */
  readonly type?: string;
  /** Bytes; absent means unknown until `load`, or for ever when there is no `load`. */
  readonly size?: number;
  readonly modified?: Date;
  /** An entity-tag in wire form, `"x"` when the source vouches for the bytes, `W/"x"` when it does not. */
  readonly etag?: string;
  /**
   * How the bytes are compressed, as Content-Encoding has it, where the request had a say in it; 'identity' for not at all.
   * @default nobody was asked
   */
  readonly encoding?: string;
  /** SHA-256 of all bytes, hexadecimal. */
  readonly sha256?: string;
  /** What keeps it, a storage above all: the same object for all of its files, for rules that choose by it. */
  readonly origin?: object | undefined;
  /**
   * Looks for the file on this machine without opening it, for a delivery that lets the server in front read it.
   * Undefined, or absent: it is not there as a file. Rejects with `not_found`.
   */
  locate?(): Promise<LocatedFile | undefined>;
  /** A URL where a client can fetch it elsewhere. Undefined, or absent: there is none. */
  url?(options: UrlOptions): Promise<string | undefined>;
  /**
   * Looks, and returns the same file with its metadata. Rejects with `not_found` or `missing`. The hint spares a source
   * to which every question is a journey the second one.
   */
  load?(hint?: LoadHint): Promise<FileSource>;
  /**
   * Opens the bytes, all of them or one range; a loaded file may be opened again until it is closed. Rejects with
   * `not_found` or `missing`.
   */
  open(range?: ByteRange): Promise<FileBody>;
  /** Releases what `load` holds. Safe to call twice and after `open`. */
  close?(): void;
}

/**
 * Bytes that are open. Exactly one of the two ways is used, then `close` is called, whatever happened.
 */
export interface FileBody {
  /** Bytes that this body promises; absent means unknown. */
  readonly size?: number;
  /**
   * Fills `buffer` from `position` within this body and resolves to the bytes read, 0 at the end. Present where random
   * access is cheap (files): it saves a stream object and lets the adapter pool its buffers.
   */
  read?(buffer: Uint8Array, position: number): Promise<number>;
  /** The same bytes as chunks. */
  stream(): AsyncIterable<Uint8Array>;
  close(): void;
}
