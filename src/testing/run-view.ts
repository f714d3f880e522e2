import type { DownloadHandler } from '../response/download.js';
import { HookCaller } from '../response/hooks.js';
import { runHandler, type ViewRequest } from '../send/in-process.js';

export type { ViewRequest };

/** The response that a client would get. */
export interface ViewResult {
  /** Status code. */
  readonly status: number;
  /** Headers by name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** All bytes. */
  readonly body: Buffer;
  /** What was thrown, if the status is that of an error. */
  readonly error?: unknown;
}

/**
 * Runs a view without a server, as an adapter would: method, conditions, ranges, bytes and hooks. If the view or its source
 * fails before the first byte, the result has the status that a client would get, and the `error`. Rejects if the source
 * fails later.
 *
 * @param view a view, or the handler that an adapter made of it, such as `objectDownloadView` of `filefield/express`
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
export async function runView<Raw>(
  view: DownloadHandler<Raw> | { readonly view: DownloadHandler<Raw> },
  request: ViewRequest<Raw> = {},
): Promise<ViewResult> {
  const response = await runHandler('view' in view ? view.view : view, request);
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
