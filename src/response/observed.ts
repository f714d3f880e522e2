import { channel } from 'node:diagnostics_channel';
import { isFileFieldError } from '../errors.js';
import type { Download, PreparedResponse } from './download.js';
import { errorStatus } from './http-error.js';
import type { DownloadRequest } from './request.js';

/** A ready-made view by the word before `View`; `file` is `sendFile`, `other` a view made with `downloadView`. */
export type ViewKind = 'object' | 'storage' | 'path' | 'http' | 'virtual' | 'file' | 'other';

/**
 * Published once for every GET and HEAD of a view, when its response ends, on the `node:diagnostics_channel` named
 * `filefield:download`. For metrics: it names no file, path or key. Costs nothing without a subscriber.
 */
export interface DownloadEvent {
  /** The method of the request. */
  readonly method: string;
  /** The kind of the view; absent for a handler that is not made by this package. */
  readonly view?: ViewKind;
  /** The status of the response; absent if the client left before there was one. */
  readonly status?: number;
  /**
   * `complete`: everything was sent, be it only a head such as 304. `handed_over`: another server sends the bytes. `aborted`:
   * the client left or stalled. `failed`: an error ended it, such as 404; after bytes were sent the connection was broken.
   */
  readonly outcome: 'complete' | 'handed_over' | 'aborted' | 'failed';
  /** Bytes of the body that were sent. */
  readonly bytes: number;
  /** From the request until the end of the response. */
  readonly milliseconds: number;
  /** The code of the error that ended it; `internal` for errors of other libraries. */
  readonly code?: string;
}

const downloads = channel('filefield:download');

/** What is known of a response until it ends. */
class Observation {
  view: ViewKind | undefined;
  readonly #began = performance.now();
  #ended = false;

  constructor(private readonly method: string) {}

  /** Publishes the event, the first time that it is called. */
  end(outcome: DownloadEvent['outcome'], status: number | undefined, bytes = 0, error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const event: DownloadEvent = {
      method: this.method,
      ...(this.view && { view: this.view }),
      ...(status !== undefined && { status }),
      outcome,
      bytes,
      milliseconds: performance.now() - this.#began,
      ...(error !== undefined && { code: isFileFieldError(error) ? error.code : 'internal' }),
    };
    downloads.publish(event);
  }
}

const observations = new WeakMap<DownloadRequest, Observation>();

/** Runs a request. If it has no response of its own - the view rejects, or the client leaves before - the event is published. */
export function observed<Raw, Result>(request: DownloadRequest<Raw>, run: () => Promise<Result>): Promise<Result> {
  return downloads.hasSubscribers ? observe(request, run) : run();
}

async function observe<Raw, Result>(request: DownloadRequest<Raw>, run: () => Promise<Result>): Promise<Result> {
  const observation = new Observation(request.method);
  observations.set(request, observation);
  try {
    const result = await run();
    if (result === 'aborted') observation.end('aborted', undefined);
    return result;
  } catch (error) {
    observation.end('failed', errorStatus(error), 0, error);
    throw error;
  }
}

/** Notes which view answers a request. */
export function noteView(request: DownloadRequest, view: ViewKind): void {
  if (!downloads.hasSubscribers) return;
  const observation = observations.get(request);
  if (observation) observation.view = view;
}

/** A response that publishes the event when it ends. */
export function observedResponse(
  request: DownloadRequest,
  { file, status, settled }: Download,
  prepared: PreparedResponse,
): PreparedResponse {
  const observation = downloads.hasSubscribers ? observations.get(request) : undefined;
  if (!observation) return prepared;
  const { hooks, headers, open, close } = prepared;
  const handedOver = file === null && (status === 200 || (settled === true && status >= 300 && status < 400));
  return {
    status: prepared.status,
    headers,
    open,
    close,
    hooks: {
      start: hooks?.start,
      missing: hooks?.missing,
      complete: (progress) => {
        hooks?.complete?.(progress);
        observation.end(handedOver ? 'handed_over' : 'complete', progress.status, progress.bytes);
      },
      abort: (progress) => {
        hooks?.abort?.(progress);
        const { error, bytes } = progress;
        if (error === undefined) observation.end('aborted', progress.status, bytes);
        // The head follows the first bytes, so that a failure before them can be answered.
        else observation.end('failed', bytes === 0 ? errorStatus(error) : progress.status, bytes, error);
      },
    },
  };
}
