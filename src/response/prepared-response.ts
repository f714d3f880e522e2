import type { FileBody } from '../file/body.js';
import type { DownloadHooks } from './download.js';

/** The final head, and how to get the bytes that go with it. An adapter writes it as it stands. */
export interface PreparedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Opens the bytes; null when there are none to send. Call it before the head is sent: it may fail. A body with a `size`
   * yields exactly the bytes that Content-Length promises or fails with `incomplete`; a body without one has no length.
   */
  readonly open: (() => Promise<FileBody>) | null;
  /** Releases what is held; safe to call at any time, more than once. */
  readonly close: () => void;
  /** Whom to tell how the download goes; absent when the answer is none, such as 304. */
  readonly hooks?: DownloadHooks;
}
