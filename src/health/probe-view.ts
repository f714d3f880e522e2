import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DeliveryEvent, StreamReason } from '../fronts/explain.js';
import { isProbeKey, probeKey } from '../file/key.js';
import { header, type DownloadRequest } from '../response/request.js';
import type { DeliveryChoice, DownloadHandler, Download } from '../response/download.js';
import { withDelivery } from '../response/download.js';
import { storageFile } from '../sources/storage-file.js';
import type { Storage } from '../file/storage.js';
import { downloadView } from '../views/download-view.js';

/** A request with this header asks whether this view finds the probe: 204 if it does, 410 if not. */
export const askHeader = 'x-filefield-probe';
/** Which delivery sends the bytes, or why none does. */
export const deliveryHeader = 'x-filefield-delivery';

/** Headers that servers in front are known to drop and that views do not set by themselves. */
const fragileHeaders = {
  'access-control-allow-origin': 'https://probe.invalid',
  'cross-origin-resource-policy': 'same-site',
  'referrer-policy': 'no-referrer',
  vary: 'origin',
};

/** Serves the probes of one storage by the route parameter `id`, and nothing else; those of other processes, too. */
export function probeView(storage: Storage, delivery?: DeliveryChoice): DownloadHandler {
  const view = downloadView(
    async ({ params }) => {
      const key = keyOf(params);
      return key === undefined
        ? null
        : { subject: key, file: () => storageFile(storage, key, { name: String(params.id) }) };
    },
    // text/html, so that the response carries nosniff and the CSP sandbox.
    { contentType: 'text/html; charset=utf-8', fileName: 'Prüfung.html' },
  );
  const handler: DownloadHandler = async (request) => {
    const download = await view(request);
    return { ...download, headers: { ...download.headers, ...fragileHeaders } };
  };
  const delivered = withDelivery(handler, delivery);
  return async (request) => {
    const key = keyOf(request.params);
    if (key === undefined || header(request, askHeader) === undefined) return withDecision(delivered, request);
    return { status: (await storage.stat(key)) ? 204 : 410, headers: { 'cache-control': 'no-store' }, file: null };
  };
}

function keyOf({ id }: DownloadRequest['params']): string | undefined {
  if (typeof id !== 'string' || id.length !== 32) return undefined;
  const key = probeKey(id);
  return isProbeKey(key) ? key : undefined;
}

/** Adds the decision of the delivery, which it publishes on a channel, as a header. */
async function withDecision(handler: DownloadHandler, request: DownloadRequest): Promise<Download> {
  let decision: DeliveryEvent | undefined;
  const listener = (message: unknown) => {
    const event = message as DeliveryEvent;
    if (event.name === request.params.id) decision = event;
  };
  subscribe('filefield:delivery', listener);
  try {
    const download = await handler(request);
    const value = download.file
      ? `streamed${decision?.reason ? `; reason=${decision.reason}` : ''}`
      : `handed over; delivery=${decision?.delivery ?? 'other'}`;
    return { ...download, headers: { ...download.headers, [deliveryHeader]: value } };
  } finally {
    unsubscribe('filefield:delivery', listener);
  }
}

/** The name of the delivery that handed over, such as `nginx`; undefined if the application streams. */
export function handedOverTo(headers: Readonly<Record<string, unknown>>): string | undefined {
  return /^handed over; delivery=(\w+)$/.exec(String(headers[deliveryHeader]))?.[1];
}

const reasons: Readonly<Record<StreamReason, string>> = {
  no_path: 'the storage has no folder on this machine',
  no_url: 'the storage has no URLs',
  no_place: 'the folder of the storage is not among the folders of the delivery',
  not_there: 'the application does not find the file in the folder that the storage names',
  small: 'the probe of 300 KiB is smaller than "minSize"',
  name: 'the server in front cannot be given the name of the probe',
  encoded: 'the response has a Content-Encoding',
  condition: 'a condition of the request fails',
  no_rule: 'no rule of deliveryRules matches it',
  none: "the rule that matches it has the delivery 'none'",
};

/** The sentence for an application that streams although it has a delivery. */
export function whyStreamed(headers: Readonly<Record<string, unknown>>): string {
  const reason = /reason=(\w+)/.exec(String(headers[deliveryHeader]))?.[1] as StreamReason | undefined;
  const because = reason && Object.hasOwn(reasons, reason) ? `, because ${reasons[reason]}` : '';
  return `The application sends the bytes itself${because}.`;
}
