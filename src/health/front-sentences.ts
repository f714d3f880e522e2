import type { Front, FrontStep } from '../fronts/front.js';
import { frontNames, fronts } from '../fronts/fronts.js';
import type { OpenResponse } from '../send/in-process.js';
import { handedOverTo } from './probe-view.js';

/** The sentence of each link through a front; the front that the delivery is for may have its own. */
export const sentences = {
  front: 'The server in front does not answer: is it running, is its address correct, and is its certificate valid?',
  route: 'The URL does not lead to the view of this check.',
  same_storage: 'The application at the URL does not find the probe: its storage is not the one of this process.',
  answer: 'The front ends the connection when the view responds with a file.',
  mapping:
    'The front finds no such file: the place that the view names is not configured, or its folder is not the root of the storage.',
  permission:
    'The front may not send the file: let its account read the folder and all folders above, and name the folder among those that it may send from.',
  ignored_header:
    'The front passes on the header and sends no file: it is not configured to act on the header, or the delivery is for another server.',
  bytes: 'The front sends other bytes than those of the file.',
  leaked_header: 'The front reveals to clients where the file is stored: hide that header.',
  streamed: 'The application at the URL sends the bytes itself.',
  lost_header: 'The front drops headers of the view.',
  validators: 'The ETag or the Last-Modified does not arrive as the view sends it.',
  public_place:
    'Everybody gets the file from the front without the view: close that place. In nginx its location needs "internal;"; elsewhere nothing but the header of the view may lead to the folder, and no site may have it below its root.',
  compression:
    'The front compresses downloads: clients cannot resume them and do not see their length, and a strong ETag or a Repr-Digest of the view becomes false. Turn it off where files are sent: "gzip off;" in nginx, "SetEnv no-gzip 1" in Apache, no "encode" in Caddy; or list content-encoding in `replaced`.',
  ranges: 'The front ignores ranges: clients cannot resume downloads or seek in videos.',
  head: 'The front does not answer HEAD with the length of the file.',
  target: 'The URL of the redirect does not return the file.',
} as const;

/** The sentence of the front that the delivery is for; a general one for other deliveries. */
export function sentenceFor(name: keyof typeof sentences, headers: OpenResponse['headers']): string {
  const frontName = frontNames.find((one) => one === handedOverTo(headers));
  const front: Front | undefined = frontName && fronts[frontName];
  return front?.sentences[name as FrontStep] ?? sentences[name];
}
