import { errorStatus } from '../response/http-error.js';
import type { DeliveryChoice } from '../response/download.js';
import type { WriteOptions } from './write.js';

export interface AdapterOptions<Raw> extends WriteOptions {
  /**
   * Called once per failure with the original error, which the client is never shown.
   * @default console.error for what is answered with 5xx, and for files that broke off while they were sent
   */
  readonly onError?: (error: unknown, request: Raw) => void;
  /**
   * Who sends the bytes of views that do not say so themselves.
   * @default that of the router or application, else this process
   */
  readonly delivery?: DeliveryChoice;
}

/** Tells the program of a failure. */
export function report<Raw>(error: unknown, request: Raw, options: AdapterOptions<Raw>): void {
  if (options.onError) options.onError(error, request);
  else if (errorStatus(error) >= 500) console.error(error);
}
