import type { FileSource } from '../file/file.js';
import type { DownloadRequest } from './request.js';

/** How a download goes, for those who count or log them. */
export interface DownloadProgress {
  /** 200 or 206. */
  readonly status: number;
  /** Bytes of the body that have been sent so far; 0 at the start. */
  readonly bytes: number;
  /** Somebody else sends the bytes, so that nothing more will be known of this download. */
  readonly delegated?: true;
  /** Why it broke off, when that was not the client's doing. */
  readonly error?: unknown;
}

/**
 * Whom to tell. `start` comes once the bytes are open, then exactly one of `complete` and `abort`; for a delegated
 * download only `start` comes, for HEAD and 304 none. They never throw and are not waited for.
 */
export interface DownloadHooks {
  readonly start?: (progress: DownloadProgress) => void;
  readonly complete?: (progress: DownloadProgress) => void;
  readonly abort?: (progress: DownloadProgress) => void;
  /** There are no such bytes after all. */
  readonly missing?: (error: unknown) => void;
}

/**
 * A download as data: what to send, before anything is opened and before ranges and conditions are looked at. So a
 * delivery replaces the bytes by an instruction for free, and a test needs no server.
 */
export interface Download {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes to send; null when the headers say it all. */
  readonly file: FileSource | null;
  readonly hooks?: DownloadHooks;
  /** When what let the client in ends, such as a signed URL; nothing that is handed out may be good for longer. */
  readonly expires?: Date;
  /** It is decided who sends the bytes: deliveries further out leave it as it is. */
  readonly settled?: true;
}

/** The one function type of the serving half: views make one, deliveries wrap one, adapters run one. */
export type DownloadHandler<Raw = unknown> = (request: DownloadRequest<Raw>) => Promise<Download>;

/**
 * Wraps a handler to let somebody else send the bytes, or to change its response in any other way. One of your own leaves
 * responses alone that are `settled`.
 */
export type Delivery = <Raw>(handler: DownloadHandler<Raw>) => DownloadHandler<Raw>;

/** Who sends the bytes: a delivery, or `'none'`, this process, whatever holds elsewhere. */
export type DeliveryChoice = Delivery | 'none';
