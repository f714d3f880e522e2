import type { IncomingMessage, ServerResponse } from 'node:http';
import { duration, type Duration } from '../options.js';
import { isPromise } from '../file/promise.js';
import { withDelivery, type DeliveryChoice, type DownloadHandler } from '../response/download.js';
import { errorStatus } from '../response/http-error.js';
import { observed } from '../response/observed.js';
import type { DownloadRequest } from '../response/request.js';
import { methodResponse, respond } from '../response/respond.js';
import { waitForTurn } from './client-connection.js';
import type { Outcome } from './write-body.js';
import { writeResponse, type HeadSender } from './write.js';

/**
 * Options of an adapter.
 *
 * @typeParam Raw the framework's request
 */
export interface AdapterOptions<Raw> {
  /**
   * Called once per failure with the original error, which is never sent to the client.
   * @default console.error, for responses with a status of 500 and above and for downloads that broke off
   */
  readonly onError?: (error: unknown, request: Raw) => void;
  /**
   * Who sends the bytes of views without a delivery of their own.
   * @default the delivery of the router or application; without one, this process
   */
  readonly delivery?: DeliveryChoice;
  /**
   * Time without progress after which a client that stopped reading is disconnected and its file closed: 1 ms to 24
   * days. It can take up to twice as long. A client that keeps reading, however slowly, is never disconnected.
   * @default '60s'
   */
  readonly idleTimeout?: Duration;
}

/** Options of an adapter for a ready-made view, which has an option `delivery` of its own. */
export type RunOptions<Raw> = Omit<AdapterOptions<Raw>, 'delivery'>;

/** Checked options. */
export interface AdapterSettings<Raw> extends Pick<AdapterOptions<Raw>, 'onError' | 'delivery'> {
  /** Milliseconds. */
  readonly idleTimeout: number;
}

// The longest time that setTimeout can wait.
const longestTimeout = 2 ** 31 - 1;

/**
 * Checks the options of an adapter and fills in the defaults.
 *
 * @throws `invalid_option`
 */
export function adapterSettings<Raw>({ onError, delivery, idleTimeout }: AdapterOptions<Raw>): AdapterSettings<Raw> {
  const milliseconds = duration('idleTimeout', idleTimeout ?? '60s', { from: 1, to: longestTimeout });
  return { onError, delivery, idleTimeout: milliseconds };
}

/** Reports the error of a failed download. Never throws. */
export function reportFailure<Raw>(error: unknown, request: Raw, settings: AdapterSettings<Raw>): void {
  if (settings.onError || errorStatus(error) >= 500) reporter(request, settings)(error);
}

/** A function that reports failures which do not change the response: `DownloadRequest.report`. It never throws. */
export function reporter<Raw>(request: Raw, { onError }: AdapterSettings<Raw>): (error: unknown) => void {
  return (error) => {
    if (!onError) return console.error(error);
    // An `onError` that fails must not end the process, nor hide the failure that it was told.
    const failed = (cause: unknown) => console.error('onError failed:', cause, 'It was told:', error);
    try {
      void Promise.resolve(onError(error, request)).catch(failed);
    } catch (cause) {
      failed(cause);
    }
  };
}

// Shared by all copies of this package in a process.
const deliveryKey = Symbol.for('filefield.delivery');

/** Sets the delivery of one request of Node's server. A later call, by a router within the application, replaces it. */
export function setRequestDelivery(request: object, choice: DeliveryChoice): void {
  Object.defineProperty(request, deliveryKey, { value: choice, configurable: true });
}

function requestDelivery(request: object): DeliveryChoice | undefined {
  return (request as { readonly [deliveryKey]?: DeliveryChoice })[deliveryKey];
}

/** A request and its response in a framework on Node's server. */
export interface Exchange<Raw> {
  /** The framework's request. */
  readonly raw: Raw;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: DownloadRequest['params'];
  /**
   * Path and query before any router removed a prefix.
   * @default that of the request
   */
  readonly url?: string;
  /**
   * Sends the head, for a framework that runs hooks or middleware before it.
   * @default the head is written to the response
   */
  readonly sendHead?: HeadSender;
}

/**
 * Runs a handler and writes its response: the common part of the adapters for Node's server. Rejects with the error of
 * the handler; the framework can answer it unless the head of the response has been sent.
 */
export function runDownload<Raw>(
  handler: DownloadHandler<Raw>,
  exchange: Exchange<Raw>,
  settings: AdapterSettings<Raw>,
): Promise<Outcome> {
  const download = new ReceivedRequest(exchange, settings);
  return observed(download, () => answer(handler, download, exchange, settings));
}

async function answer<Raw>(
  handler: DownloadHandler<Raw>,
  download: DownloadRequest<Raw>,
  { request, response, sendHead }: Exchange<Raw>,
  { delivery = requestDelivery(request), idleTimeout }: AdapterSettings<Raw>,
): Promise<Outcome> {
  // Before the view runs: a POST costs no query and does not reveal whether the file exists.
  const decided = methodResponse(download.method);
  const turn = waitForTurn(request, response);
  if (!(isPromise(turn) ? await turn : turn)) return 'aborted';
  const prepared = decided ?? (await respond(download, await withDelivery(handler, delivery)(download)));
  return writeResponse(response, prepared, idleTimeout, sendHead);
}

/** A request of Node's server as views read it. */
class ReceivedRequest<Raw> implements DownloadRequest<Raw> {
  readonly method: string;
  readonly url: string | undefined;
  readonly headers: DownloadRequest['headers'];
  readonly params: DownloadRequest['params'];
  readonly raw: Raw;
  readonly #settings: AdapterSettings<Raw>;

  constructor({ raw, request, params, url = request.url }: Exchange<Raw>, settings: AdapterSettings<Raw>) {
    this.method = request.method ?? 'GET';
    this.url = url;
    this.headers = request.headers;
    this.params = params;
    this.raw = raw;
    this.#settings = settings;
  }

  get report(): (error: unknown) => void {
    return reporter(this.raw, this.#settings);
  }
}
