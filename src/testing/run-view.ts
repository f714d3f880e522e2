import type { DownloadHandler } from '../response/download.js';
import { HookCaller } from '../response/hooks.js';
import { runHandler, type ViewRequest } from '../send/in-process.js';

export type { ViewRequest };

/** What a client would get. */
export interface ViewResult {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Why there is no download, where the status is that of an error. */
  readonly error?: unknown;
}

/**
 * Runs a view without a server, as an adapter would: method, view, conditions, ranges, bytes, hooks. Failures become the
 * status that a client would see, with the `error` beside it; a file that breaks off in the middle rejects.
 *
 * @example
 * ```ts
 * import { virtualView } from 'filefield';
 * import { runView } from 'filefield/testing';
 *
 * const view = virtualView(() => ({ name: 'a.txt', content: 'hello' }));
 * const { status, body } = await runView(view, { headers: { range: 'bytes=0-1' } }); // 206, 'he'
 * ```
 */
export async function runView<Raw>(view: DownloadHandler<Raw>, asked: ViewRequest<Raw> = {}): Promise<ViewResult> {
  const response = await runHandler(view, asked);
  const { status, headers } = response;
  if ('error' in response) return { status, headers, body: Buffer.alloc(0), error: response.error };
  const hooks = new HookCaller(response);
  const chunks: Uint8Array[] = [];
  try {
    hooks.start();
    for await (const chunk of response.body?.stream() ?? []) {
      chunks.push(Buffer.from(chunk));
      hooks.bytes += chunk.byteLength;
    }
    hooks.complete();
  } catch (error) {
    hooks.abort(error);
    throw error;
  } finally {
    response.close();
  }
  return { status, headers, body: Buffer.concat(chunks) };
}
