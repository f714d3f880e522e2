import type { DeliveryChoice, DownloadHandler } from './download.js';

/**
 * A handler whose bytes are sent as chosen. The innermost choice is the one that holds: a view's before its router's, a
 * router's before the application's.
 */
export function withDelivery<Raw>(
  handler: DownloadHandler<Raw>,
  choice: DeliveryChoice | undefined,
): DownloadHandler<Raw> {
  if (choice === undefined) return handler;
  const delivered = choice === 'none' ? handler : choice(handler);
  return async (request) => ({ ...(await delivered(request)), settled: true });
}
