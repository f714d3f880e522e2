import type { OpenResponse } from '../send/in-process.js';
import { unhealthy } from './check-result.js';
import type { FrontClient, FrontRequest, FrontResponse } from './front-client.js';
import { changedValidators, evidence, headersWith, lostHeaders, lostSentence } from './front-headers.js';
import { routeSentence } from './front-route.js';
import { sentenceFor, sentences } from './front-sentences.js';
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
      throw unhealthy(routeSentence(found, probe, client.probeUrl(probe.id)), evidence(found));
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
  const expect = (name: keyof typeof sentences, works: boolean, sentence = sentenceFor(name, direct.headers)) =>
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
  const changed = changedValidators(direct.headers, response.headers, walk.replaced);
  await expect('validators', changed.length === 0, validatorsSentence(changed));
  await walkRequests(walk);
}

function validatorsSentence(names: readonly string[]): string {
  return `These headers do not arrive as the view sends them: ${names.join(', ')}. Those that a front sets itself can be the same for two files: let it pass on those of the view, as the printed configuration does.`;
}

/** Further requests, once the first one has returned the file. */
async function walkRequests(walk: FrontWalk): Promise<void> {
  const { link, client, probe, direct, signal } = walk;
  if (isHandedOver(direct)) await link('public_place', sentences.public_place, () => checkPlace(walk));
  await link('compression', sentences.compression, async () => {
    const compressed = await client.request(probe.id, { headers: { 'accept-encoding': 'gzip, br, zstd' } }, signal);
    checkCompression(walk, compressed);
  });
  await link('ranges', sentences.ranges, async () =>
    checkRange(probe, await client.request(probe.id, rangeRequest, signal)),
  );
  await link('head', sentences.head, async () => {
    const head = await client.request(probe.id, { method: 'HEAD' }, signal);
    const right = head.status === 200 && head.headers['content-length'] === String(probe.bytes.byteLength);
    if (!right) throw unhealthy(sentences.head, evidence(head));
  });
}

/** A client that asks for the file where the view says that it is must not get it. */
async function checkPlace({ client, probe, direct, signal }: FrontWalk): Promise<void> {
  for (const path of placesOf(direct.headers)) {
    // A front that closes the connection sends no file either.
    const response = await client.requestPath(path, signal).catch(() => undefined);
    if (response?.body.equals(probe.bytes)) {
      throw unhealthy(sentences.public_place, evidence(response, direct.headers, probe.id));
    }
  }
}

/** Paths of the front under which a file could be public: the place itself, or a folder of its path on the disk. */
function placesOf(headers: OpenResponse['headers']): readonly string[] {
  const place = headers['x-accel-redirect'];
  if (place !== undefined) return [place];
  const names = headers['x-sendfile']?.split('/') ?? [];
  // The two names of the key, with up to three folders.
  return [2, 3, 4, 5].flatMap((count) => (count < names.length ? [`/${names.slice(-count).join('/')}`] : []));
}

function checkCompression({ probe, direct, replaced }: FrontWalk, response: FrontResponse): void {
  const { status, headers, body } = response;
  if (status !== 200) {
    throw unhealthy(`The front answers ${status} to a client that accepts compressed files.`, evidence(response));
  }
  const allowed = replaced.some((name) => name.toLowerCase() === 'content-encoding');
  if (headers['content-encoding'] !== undefined ? allowed : body.equals(probe.bytes)) return;
  throw unhealthy(sentences.compression, evidence(response, direct.headers, probe.id));
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
