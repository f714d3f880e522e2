import type { Storage } from '../file/storage.js';
import type { DeliveryChoice, DownloadHandler } from '../response/download.js';
import { runHandler } from '../send/in-process.js';
import { unhealthy, type Check } from './check-result.js';
import { FrontClient, type Certificates } from './front-client.js';
import { walkFront, type FrontWalk } from './front-links.js';
import { healthCheck, type WalkLink } from './health-check.js';
import { expectBytes, Probe } from './probe.js';
import { handedOverTo, probeView, whyStreamed } from './probe-view.js';

/** Options of `deliveryCheck`. */
export interface DeliveryCheckOptions {
  /** The storage that the probe is written to, and in which the front must find it. */
  readonly storage: Storage;
  /**
   * The delivery of your views.
   * @default none; the check then accepts bytes from the front or from the application
   */
  readonly delivery?: DeliveryChoice;
  /** The URL of `view` through the server in front, without the id: `https://files.example/health/probe`. */
  readonly url: string | URL;
  /**
   * Headers of the requests, such as a password for the front.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Names of headers that the front replaces on purpose, such as `cache-control`. With `content-encoding` it may compress.
   * @default none; all headers of the view must arrive
   */
  readonly replaced?: readonly string[];
  /**
   * Certificates that are trusted besides those that Node brings, for a front with one of your own.
   * @default none; those that Node trusts, with those of NODE_EXTRA_CA_CERTS
   */
  readonly ca?: Certificates;
}

/** A check of one delivery, and the view that it requests. */
export interface DeliveryCheck extends Check {
  /** Serves probes by the route parameter `id`, and nothing else. Mount it where `url` leads. */
  readonly view: DownloadHandler;
}

/**
 * A check that writes a probe and fetches it as a client does, through the server in front. Links:
 *
 * - `write`, `view` and `delete`: the storage and the view in this process
 * - `header`: the delivery hands over
 * - `front`, `route`, `same_storage`, `answer`: the front, and the application behind it
 * - `mapping`, `permission`, `ignored_header`, `bytes`, `leaked_header`, `streamed`: the front finds and sends the file
 * - `lost_header`, `validators`, `compression`, `ranges`, `head`: headers, ranges and HEAD
 * - `public_place`: nobody gets the file from the front without the view
 * - `target`: the URL of a redirect returns the file
 *
 * docs/health.md says what to do about each. Costs five to ten requests. The view and the check share no memory, so they
 * may run in different processes.
 *
 * @throws `invalid_option` for a `url` that is not http or https
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { xAccelRedirect, type Storage } from 'filefield';
 * import { toExpress } from 'filefield/express';
 * import { deliveryCheck } from 'filefield/health';
 *
 * declare const documents: Storage;
 * const delivery = xAccelRedirect({ '/srv/var/documents': '/_documents' });
 * const front = deliveryCheck({ storage: documents, delivery, url: 'https://files.example/health/probe' });
 * express().get('/health/probe/:id', toExpress(front.view));
 * ```
 */
export function deliveryCheck(options: DeliveryCheckOptions): DeliveryCheck {
  const { storage, delivery, replaced = [] } = options;
  const client = new FrontClient(options.url, options.headers, options.ca);
  const view = probeView(storage, delivery);
  const check = healthCheck(async (link, signal) => {
    const probe = new Probe(storage);
    try {
      await link('write', 'The storage does not accept a file: a storageCheck says more.', () => probe.write(signal));
      const direct = await walkView(link, view, probe, client.probeUrl(probe.id).pathname);
      if (delivery !== undefined && delivery !== 'none') {
        await link('header', 'The delivery does not hand over.', () => {
          if (handedOverTo(direct.headers) === undefined) throw unhealthy(whyStreamed(direct.headers));
        });
      }
      await walkFront({ link, client, probe, direct, replaced, signal });
      await link('delete', 'The storage does not delete files: probes are left behind.', () => probe.delete());
    } finally {
      await probe.discard();
    }
  });
  return { ...check, view };
}

/** Requests the probe from the view in this process, without the front. */
function walkView(link: WalkLink, view: DownloadHandler, probe: Probe, url: string): Promise<FrontWalk['direct']> {
  const sentence = 'The view does not return a probe that was just written to its storage.';
  return link('view', sentence, async () => {
    const response = await runHandler(view, { params: { id: probe.id }, url });
    try {
      if ('error' in response) throw unhealthy(sentence, response.error);
      if (response.body) await expectBytes(response.body.stream(), probe.bytes, sentence);
      return response;
    } finally {
      response.close();
    }
  });
}
