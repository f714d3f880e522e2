import { withDelivery, type DeliveryChoice, type DownloadHandler } from '../response/download.js';

/** A handler of a framework that knows its view, so that a test can run the view without a server. */
export type MountedView<Handler, Raw> = Handler & {
  /** The view that the handler runs, with the delivery of the adapter. */
  readonly view: DownloadHandler<Raw>;
};

/** Adds the view to a framework's handler. */
export function mountedView<Handler extends object, Raw>(
  handler: Handler,
  view: DownloadHandler<Raw>,
  delivery: DeliveryChoice | undefined,
): MountedView<Handler, Raw> {
  return Object.assign(handler, { view: withDelivery(view, delivery) });
}
