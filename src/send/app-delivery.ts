import type { DeliveryChoice } from '../response/download.js';

// Shared by an ESM and a CommonJS copy of this package.
const mark = Symbol.for('filefield.delivery');

/** Notes on a request of Node's server who is to send the bytes of its download. */
export function setDelivery(request: object, choice: DeliveryChoice): void {
  Object.defineProperty(request, mark, { value: choice, configurable: true });
}

/** What was noted last: by the innermost router. */
export function deliveryOf(request: object): DeliveryChoice | undefined {
  return (request as { readonly [mark]?: DeliveryChoice })[mark];
}
