import type { DeliveryChoice, DownloadProgress } from '../response/download.js';
import type { Signer } from '../signing.js';

/** A value, or a function that makes it for a request and the thing that is downloaded. */
export type Choice<Value, Raw, Subject> = Value | ((request: Raw, subject: Subject) => Value | Promise<Value>);

/**
 * Something to be done when something happens. The download does not wait for it, and what it throws is reported and
 * harms nobody.
 */
export type Hook<Raw, Subject, Event> = (request: Raw, subject: Subject, event: Event) => unknown;

export interface SignatureOptions<Raw> {
  readonly signer: Signer;
  /**
   * Whom the request comes from, in the words of `sign`'s `bind`.
   * @default anybody who has the URL
   */
  readonly bind?: (request: Raw) => string;
}

/** The options that all views share. `Raw` is the framework's request, `Subject` what the view found. */
export interface DownloadViewOptions<Raw, Subject> {
  /**
   * Save it, or show it in the browser. Only types that run nothing are ever shown: HTML, SVG and XML are always saved,
   * since they would act with the rights of your site.
   * @default 'attachment'
   */
  readonly disposition?: Choice<'attachment' | 'inline', Raw, Subject>;
  /**
   * The name to save it under.
   * @default the file's own
   */
  readonly fileName?: Choice<string, Raw, Subject>;
  /**
   * Media type, with a charset if you like.
   * @default the file's own, else by its name, else application/octet-stream
   */
  readonly contentType?: Choice<string, Raw, Subject>;
  /**
   * The Cache-Control header. `private` is short for 'private, no-cache': kept by the client, checked each time;
   * `immutable` for 'private, max-age=31536000, immutable', where what is behind the URL never changes. Every other value
   * is sent as it is. WARNING: `public` lets every cache on the way show the file to others.
   * @default 'private'
   */
  readonly cacheControl?: Choice<string, Raw, Subject>;
  /**
   * The entity-tag with its quotes, `"x"`, for a column or a version that knows better than the file.
   * @default the file's own: strong where its storage or the ledger vouches for the bytes, else of size and time
   */
  readonly etag?: Choice<string | undefined, Raw, Subject>;
  /**
   * When the file was last changed.
   * @default the file's own time
   */
  readonly modified?: Choice<Date | undefined, Raw, Subject>;
  /**
   * Only requests with a signature of this signer, and by the client that `bind` tells, are let in; all others get 403
   * before anything is looked up. The signed file name is the download's, and caches keep it no longer than the URL lives.
   * @default no signature is asked for
   */
  readonly signature?: SignatureOptions<Raw>;
  /**
   * Who may have it. Runs before anything about the file is looked at or told.
   * @default everybody who reaches the route
   */
  readonly authorize?: (request: Raw, subject: Subject) => boolean | Promise<boolean>;
  /**
   * What a refused client is told: `hide` answers 404, as if there were nothing; `forbid` answers 403.
   * @default 'hide'
   */
  readonly denied?: 'hide' | 'forbid';
  /**
   * Who sends the bytes; `'none'` is this process, also where the application or router has a delivery.
   * @default that of the router or application, else this process
   */
  readonly delivery?: DeliveryChoice;
  /** Bytes are about to be sent, by this process or, if `delegated`, by another. Not for HEAD, 304 and their like. */
  readonly onStart?: Hook<Raw, Subject, DownloadProgress>;
  /** All bytes that were promised have been sent. */
  readonly onComplete?: Hook<Raw, Subject, DownloadProgress>;
  /** The client left before the end or, where there is an `error`, the file broke off. */
  readonly onAbort?: Hook<Raw, Subject, DownloadProgress>;
  /** The view found a file whose bytes are not there; the client gets 404. */
  readonly onMissing?: Hook<Raw, Subject, unknown>;
}
