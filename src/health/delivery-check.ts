import { runHandler } from '../send/in-process.js';
import type { DeliveryChoice, DownloadHandler } from '../response/download.js';
import type { Storage } from '../file/storage.js';
import { broken } from './broken.js';
import type { Check } from './check.js';
import { FrontClient } from './front-client.js';
import { walkFront, type FrontWalk } from './front-links.js';
import { healthCheck, type WalkLink } from './health-check.js';
import { Probe } from './probe.js';
import { probeView, saysHeader } from './probe-view.js';
import { sameBytes } from './same-bytes.js';
import { whyStreamed } from './why-streamed.js';

export interface DeliveryCheckOptions {
  /** Where the probe is written, and where the front must find it. */
  readonly storage: Storage;
  /**
   * Who is to send the bytes: what your views have.
   * @default nobody in particular: the check looks at what arrives, whoever sends it
   */
  readonly delivery?: DeliveryChoice;
  /** Where clients reach `view`, through the server in front, without the id: `https://files.example/health/probe`. */
  readonly url: string | URL;
  /**
   * Headers to send along, such as a password for the front.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Names of headers that the front replaces on purpose, such as `cache-control`.
   * @default none: all that the view says must arrive
   */
  readonly replaced?: readonly string[];
}

export interface DeliveryCheck extends Check {
  /** Serves probes by their route parameter `id`, and nothing else. Mount it where `url` leads. */
  readonly view: DownloadHandler;
}

/**
 * Writes a probe and fetches it as a client does, through the server in front, and says which link is broken: the view
 * (`view`), the delivery (`header`), the way to the front and to the program (`front`, `route`, `same_storage`,
 * `answer`), what the front makes of the instruction (`mapping`, `permission`, `ignored_header`, `bytes`,
 * `leaked_header`, `streamed`), and what arrives (`lost_header`, `ranges`, `head`). Where a delivery redirects, the
 * redirect must arrive and its `target` give the bytes. `docs/health.md` says what to do about each.
 *
 * Nothing is kept in mind between the check and the view: another process may answer, or run it. Four or five requests.
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
  const front = new FrontClient(options.url, options.headers);
  const view = probeView(storage, delivery);
  const check = healthCheck(async (link, signal) => {
    const probe = new Probe(storage);
    try {
      await link('write', 'The storage does not take a file: a check of the storage says more.', () =>
        probe.write(signal),
      );
      const own = await walkView(link, view, probe, front.at(probe.id).pathname);
      if (delivery !== undefined && delivery !== 'none') {
        await link('header', 'The view does not hand over.', () => {
          if (own.headers[saysHeader] !== 'handed over') throw broken(whyStreamed(own.headers));
        });
      }
      await walkFront({ link, front, probe, own, replaced, signal });
      await link('delete', 'The storage does not delete: probes are left behind.', () => probe.delete());
    } finally {
      await probe.discard();
    }
  });
  return { ...check, view };
}

/** What the view answers without anything in front of it. */
function walkView(link: WalkLink, view: DownloadHandler, probe: Probe, url: string): Promise<FrontWalk['own']> {
  const sentence = 'The view does not give the probe that was just written to its storage.';
  return link('view', sentence, async () => {
    const answer = await runHandler(view, { params: { id: probe.id }, url });
    try {
      if ('error' in answer) throw broken(sentence, answer.error);
      if (answer.body) await sameBytes(answer.body.stream(), probe.bytes, sentence);
      return answer;
    } finally {
      answer.close();
    }
  });
}
