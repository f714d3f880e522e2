import type { FileSource } from '../file.js';
import type { DownloadRequest } from './request.js';

/**
 * A download as data: what to send, before anything is opened and before ranges and conditions are looked at. So a
 * delivery replaces the bytes by an instruction for free, and a test needs no server.
 */
export interface DownloadResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes to send; null when the headers say it all. */
  readonly file: FileSource | null;
}

/** The one function type of the serving half: views make one, deliveries wrap one, adapters run one. */
export type DownloadHandler<Raw = unknown> = (request: DownloadRequest<Raw>) => Promise<DownloadResponse>;

/** Wraps a handler to let somebody else send the bytes, or to change its response in any other way. */
export type Delivery = <Raw>(handler: DownloadHandler<Raw>) => DownloadHandler<Raw>;
