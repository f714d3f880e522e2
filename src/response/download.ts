import type { FileBody } from '../file/body.js';
import type { FileSource } from '../file/file.js';
import type { DownloadHooks } from './hooks.js';
import type { DownloadRequest } from './request.js';

/**
 * A download as data: what to send, before the file is opened and before ranges and conditions are evaluated. A delivery
 * can replace the bytes by an instruction to another server without any I/O, and a test needs no server.
 */
export interface Download {
  /** 200 for a file. With any other status no file is sent. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The file to send; null if the response has no body of ours. */
  readonly file: FileSource | null;
  /** Called by the adapter while it sends the file. */
  readonly hooks?: DownloadHooks;
  /** When the client's permission ends, such as a signed URL. Nothing that is handed out may be valid for longer. */
  readonly expires?: Date;
  /** Set once it is decided who sends the bytes. Deliveries further out pass such a download on unchanged. */
  readonly settled?: true;
}

/**
 * Produces the download for a request. Views make handlers, deliveries wrap them, adapters run them. Rejects with a
 * `FileFieldError` if there is nothing to download.
 *
 * @typeParam Raw the framework's request
 */
export type DownloadHandler<Raw = unknown> = (request: DownloadRequest<Raw>) => Promise<Download>;

/**
 * Wraps a handler so that another server sends the bytes, or changes its download in another way. A delivery of your own
 * must return downloads that are `settled` unchanged.
 */
export type Delivery = <Raw>(handler: DownloadHandler<Raw>) => DownloadHandler<Raw>;

/** Who sends the bytes: a delivery, or `'none'` for this process, also where a router or application has a delivery. */
export type DeliveryChoice = Delivery | 'none';

/** The complete head of a response, and how to open its body. An adapter writes it as it is. */
export interface PreparedResponse {
  /** The HTTP status. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Opens the body; null if the response has none. Call it before the head is sent, because it can reject. A body with a
   * `size` yields exactly the bytes that Content-Length promises or fails with `incomplete`; a body without a `size`
   * belongs to a response without Content-Length.
   */
  readonly open: (() => Promise<FileBody>) | null;
  /** Releases the file. Safe to call at any time and more than once. */
  readonly close: () => void;
  /** Called by the adapter; absent if the response has no bytes to report, such as 304. */
  readonly hooks?: DownloadHooks;
}

/**
 * A handler whose bytes are sent as chosen. The innermost choice applies: a view's before its router's, a router's before
 * the application's.
 */
export function withDelivery<Raw>(
  handler: DownloadHandler<Raw>,
  choice: DeliveryChoice | undefined,
): DownloadHandler<Raw> {
  if (choice === undefined) return handler;
  const delivered = choice === 'none' ? handler : choice(handler);
  return async (request) => Object.assign({}, await delivered(request), { settled: true as const });
}
