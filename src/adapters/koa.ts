import type { Context, Middleware } from 'koa';
import { HttpError } from '../response/http-error.js';
import type { DownloadRequest } from '../response/request.js';
import type { DeliveryChoice, DownloadHandler } from '../response/download.js';
import { setDelivery } from '../send/app-delivery.js';
import { report, type AdapterOptions } from '../send/report.js';
import { runDownload } from '../send/run.js';

/**
 * Mounts a view on Koa 2 or 3; headers that other middleware set stay. Failures are thrown as an error with `status`, a
 * message that is the status text, and the original as its `cause`; Koa answers them and emits `error` on the application.
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { downloadView } from 'filefield';
 * import { toKoa } from 'filefield/koa';
 *
 * new Koa().use(toKoa(downloadView(async () => null)));
 * ```
 */
export function toKoa(handler: DownloadHandler<Context>, options: AdapterOptions<Context> = {}): Middleware {
  return async (context) => {
    const { req: request, res: response, originalUrl: url, app } = context;
    // Where there is a router.
    const { params = {} } = context as { params?: DownloadRequest['params'] };
    try {
      await runDownload(handler, { raw: context, request, response, params, url }, options);
      context.respond = false;
    } catch (error) {
      const passed = !response.headersSent;
      // Koa's own listener is silent about errors whose message may be shown.
      const unheard = app.listeners('error').every((listener) => listener === app.onerror);
      if (options.onError || !passed || unheard) report(error, context, options);
      if (passed) throw new HttpError(error);
      // The connection is gone already; Koa would try to write to it.
      context.respond = false;
    }
  };
}

/**
 * Says who sends the bytes of all views that come after it, and do not say so themselves; the innermost word counts.
 *
 * @example
 * ```ts
 * import Koa from 'koa';
 * import { xAccelRedirect } from 'filefield';
 * import { deliverWith } from 'filefield/koa';
 *
 * new Koa().use(deliverWith(xAccelRedirect({ '/srv/var/documents': '/_documents' })));
 * ```
 */
export function deliverWith(delivery: DeliveryChoice): Middleware {
  return (context, next) => {
    setDelivery(context.req, delivery);
    return next();
  };
}
