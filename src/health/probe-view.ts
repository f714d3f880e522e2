import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DeliveryEvent } from '../fronts/explain.js';
import { isProbeKey, probeKey } from '../file/key.js';
import { header, type DownloadRequest } from '../response/request.js';
import type { DeliveryChoice, DownloadHandler, Download } from '../response/download.js';
import { withDelivery } from '../response/download.js';
import { storageFile } from '../sources/storage-file.js';
import type { Storage } from '../file/storage.js';
import { downloadView } from '../views/download-view.js';

/** A request with this header is asked whether it comes to the view at all, and finds the probe: 204, or 410. */
export const askHeader = 'x-filefield-probe';
/** Who sends the bytes, as the `explain` of deliveries says it. */
export const saysHeader = 'x-filefield-delivery';

/** Headers that servers in front are known to drop, beside those that every view has. */
const fragile = {
  'access-control-allow-origin': 'https://probe.invalid',
  'cross-origin-resource-policy': 'same-site',
  'referrer-policy': 'no-referrer',
  vary: 'origin',
};

/**
 * Serves the probes of one storage, and nothing else, by the route parameter `id`. It keeps nothing in mind, so that any
 * process answers for a probe of any other.
 */
export function probeView(storage: Storage, delivery?: DeliveryChoice): DownloadHandler {
  const view = downloadView(
    async ({ params }) => {
      const key = keyOf(params);
      return key === undefined
        ? null
        : { subject: key, file: () => storageFile(storage, key, { name: String(params.id) }) };
    },
    // A type that a browser would run, so that it has all the headers that keep it from doing so.
    { contentType: 'text/html; charset=utf-8', fileName: 'Prüfung.html' },
  );
  const handler: DownloadHandler = async (request) => {
    const response = await view(request);
    return { ...response, headers: { ...response.headers, ...fragile } };
  };
  const delivered = withDelivery(handler, delivery);
  return async (request) => {
    const key = keyOf(request.params);
    if (key === undefined || header(request, askHeader) === undefined) return explained(delivered, request);
    return { status: (await storage.stat(key)) ? 204 : 410, headers: { 'cache-control': 'no-store' }, file: null };
  };
}

function keyOf({ id }: DownloadRequest['params']): string | undefined {
  if (typeof id !== 'string' || id.length !== 32) return undefined;
  const key = probeKey(id);
  return isProbeKey(key) ? key : undefined;
}

/** Deliveries tell a channel why they do not hand over. */
async function explained(handler: DownloadHandler, request: DownloadRequest): Promise<Download> {
  let reason: string | undefined;
  const listen = (event: unknown) => {
    const told = event as DeliveryEvent;
    if (told.name === request.params.id) reason = told.reason;
  };
  subscribe('filefield:delivery', listen);
  try {
    const response = await handler(request);
    const streamed = reason === undefined ? 'streamed' : `streamed; reason=${reason}`;
    return { ...response, headers: { ...response.headers, [saysHeader]: response.file ? streamed : 'handed over' } };
  } finally {
    unsubscribe('filefield:delivery', listen);
  }
}
