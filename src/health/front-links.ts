import type { Front, FrontStep } from '../fronts/front.js';
import { frontNames, fronts } from '../fronts/fronts.js';
import type { OpenResponse } from '../send/in-process.js';
import { unhealthy } from './check-result.js';
import type { FrontClient, FrontRequest, FrontResponse } from './front-client.js';
import { evidence, headersWith, lostHeaders, lostSentence } from './front-headers.js';
import type { WalkLink } from './health-check.js';
import type { Probe } from './probe.js';
import { askHeader, handedOverTo, deliveryHeader, whyStreamed } from './probe-view.js';

/** What the links through a front work with. */
export interface FrontWalk {
  readonly link: WalkLink;
  readonly client: FrontClient;
  readonly probe: Probe;
  /** The response of the view in this process. */
  readonly direct: Pick<OpenResponse, 'status' | 'headers'>;
  /** Names of headers that the front replaces on purpose. */
  readonly replaced: readonly string[];
  readonly signal: AbortSignal;
}

/** The sentence of each link; the front that the delivery is for may have its own. */
const sentences = {
  front: 'The server in front does not answer: is it running, is its address correct, and is its certificate valid?',
  route: 'The URL does not lead to the view of this check: mount its `view` there, with the parameter `id`.',
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
  ranges: 'The front ignores ranges: clients cannot resume downloads or seek in videos.',
  head: 'The front does not answer HEAD with the length of the file.',
  target: 'The URL of the redirect does not return the file.',
} as const;

/** Runs all links through the front, from its address to the last byte. */
export async function walkFront(walk: FrontWalk): Promise<void> {
  const { link, client, probe, signal } = walk;
  const found = await link('front', sentences.front, async () => {
    const response = await client.request(probe.id, { headers: { [askHeader]: 'ask' } }, signal);
    if ([502, 503, 504].includes(response.status)) {
      throw unhealthy(
        `The front answers ${response.status}: it does not reach the application behind it.`,
        evidence(response),
      );
    }
    return response;
  });
  await link('route', sentences.route, () => {
    if (found.status !== 204 && found.status !== 410)
      throw unhealthy(`The front answers ${found.status}. ${sentences.route}`, evidence(found));
  });
  await link('same_storage', sentences.same_storage, () => {
    if (found.status === 410) throw unhealthy(sentences.same_storage);
  });
  const response = await link('answer', sentences.answer, () => firstResponse(walk));
  if (walk.direct.status === 200) await walkFile(walk, response);
  else await walkRedirect(walk, response);
}

async function firstResponse({ client, probe, direct, signal }: FrontWalk): Promise<FrontResponse> {
  const response = await client.request(probe.id, {}, signal);
  const expected = isHandedOver(direct) ? [direct.status, 403, 404] : [direct.status];
  if (expected.includes(response.status)) return response;
  throw unhealthy(
    `The front answers ${response.status} where the view answers ${direct.status}: its error log says why.`,
    evidence(response, direct.headers, probe.id),
  );
}

async function walkFile(walk: FrontWalk, response: FrontResponse): Promise<void> {
  const { link, probe, direct } = walk;
  const revealing = headersWith(response.headers, probe.id);
  const expect = (name: keyof typeof sentences, works: boolean, sentence = sentenceFor(name, direct)) =>
    link(name, sentence, () => {
      if (!works) throw unhealthy(sentence, evidence(response, direct.headers, probe.id));
    });
  await expect('mapping', response.status !== 404);
  await expect('permission', response.status !== 403);
  const empty = response.body.byteLength === 0;
  await expect('ignored_header', !(empty && (isHandedOver(direct) || revealing.length > 0)));
  await expect('bytes', response.body.equals(probe.bytes));
  await expect('leaked_header', revealing.length === 0);
  const streamed = isHandedOver(direct) && response.headers[deliveryHeader]?.includes('streamed') === true;
  await expect('streamed', !streamed, streamed ? whyStreamed(response.headers) : sentences.streamed);
  const lost = lostHeaders(direct.headers, response.headers, walk.replaced);
  await expect('lost_header', lost.length === 0, `${lostSentence(lost)} Configure it to add them again.`);
  await walkRequests(walk);
}

/** Further requests, once the first one has returned the file. */
async function walkRequests({ link, client, probe, signal }: FrontWalk): Promise<void> {
  await link('ranges', sentences.ranges, async () =>
    checkRange(probe, await client.request(probe.id, rangeRequest, signal)),
  );
  await link('head', sentences.head, async () => {
    const head = await client.request(probe.id, { method: 'HEAD' }, signal);
    const right = head.status === 200 && head.headers['content-length'] === String(probe.bytes.byteLength);
    if (!right) throw unhealthy(sentences.head, evidence(head));
  });
}

/** The front must pass on the redirect; the response at its target is that of the storage. */
async function walkRedirect(walk: FrontWalk, response: FrontResponse): Promise<void> {
  const { link, client, probe, direct, signal } = walk;
  await link('lost_header', sentences.lost_header, () => {
    const lost = lostHeaders(direct.headers, response.headers, walk.replaced);
    if (response.headers.location === undefined) lost.push('location');
    if (lost.length > 0) throw unhealthy(lostSentence(lost), evidence(response));
  });
  const follow = (request: FrontRequest) => client.follow(probe.id, response.headers.location ?? '', request, signal);
  await link('target', sentences.target, async () => {
    const target = await follow({});
    const right = target.status === 200 && target.body.equals(probe.bytes);
    if (!right) throw unhealthy(`${sentences.target} Its status is ${target.status}.`, evidence(target));
  });
  await link('ranges', sentences.ranges, async () => checkRange(probe, await follow(rangeRequest)));
}

const rangeRequest = { headers: { range: 'bytes=100000-100999' } };

function checkRange({ bytes }: Probe, response: FrontResponse): void {
  const right = response.status === 206 && response.body.equals(bytes.subarray(100_000, 101_000));
  const declared = response.headers['content-range'] === `bytes 100000-100999/${bytes.byteLength}`;
  if (!right || !declared) throw unhealthy(sentences.ranges, evidence(response));
}

function isHandedOver({ headers }: FrontWalk['direct']): boolean {
  return handedOverTo(headers) !== undefined;
}

/** The sentence of the front that the delivery is for; a general one for other deliveries. */
function sentenceFor(name: keyof typeof sentences, { headers }: FrontWalk['direct']): string {
  const frontName = frontNames.find((one) => one === handedOverTo(headers));
  const front: Front | undefined = frontName && fronts[frontName];
  return front?.sentences[name as FrontStep] ?? sentences[name];
}
