import type { OpenResponse } from '../send/in-process.js';
import { broken } from './broken.js';
import type { FrontClient, FrontResponse, FrontRequest } from './front-client.js';
import { evidence, headersWith, lostHeaders } from './front-headers.js';
import type { WalkLink } from './health-check.js';
import { sentences } from './front-sentences.js';
import type { Probe } from './probe.js';
import { askHeader, saysHeader } from './probe-view.js';
import { whyStreamed } from './why-streamed.js';

/** What the links through a front are about. */
export interface FrontWalk {
  readonly link: WalkLink;
  readonly front: FrontClient;
  readonly probe: Probe;
  /** What the view answers in this process. */
  readonly own: Pick<OpenResponse, 'status' | 'headers'>;
  /** Names of headers that the front is meant to replace. */
  readonly replaced: readonly string[];
  readonly signal: AbortSignal;
}

/** From the address of the front to the last byte. */
export async function walkFront(walk: FrontWalk): Promise<void> {
  const { link, front, probe, signal } = walk;
  const there = await link('front', sentences.front, async () => {
    const answer = await front.ask(probe.id, { headers: { [askHeader]: 'ask' } }, signal);
    if ([502, 503, 504].includes(answer.status)) {
      throw broken(`The front answers ${answer.status}: it does not reach the program behind it.`, evidence(answer));
    }
    return answer;
  });
  await link('route', sentences.route, () => {
    if (there.status !== 204 && there.status !== 410)
      throw broken(`The front answers ${there.status}. ${sentences.route}`, evidence(there));
  });
  await link('same_storage', sentences.same_storage, () => {
    if (there.status === 410) throw broken(sentences.same_storage);
  });
  const answer = await link('answer', sentences.answer, () => firstAnswer(walk));
  if (walk.own.status === 200) await walkFile(walk, answer);
  else await walkRedirect(walk, answer);
}

async function firstAnswer({ front, probe, own, signal }: FrontWalk): Promise<FrontResponse> {
  const answer = await front.ask(probe.id, {}, signal);
  const understood = isHandedOver(own) ? [own.status, 403, 404] : [own.status];
  if (understood.includes(answer.status)) return answer;
  throw broken(
    `The front answers ${answer.status} where the view answers ${own.status}: its error log says why.`,
    evidence(answer, own.headers, probe.id),
  );
}

async function walkFile(walk: FrontWalk, answer: FrontResponse): Promise<void> {
  const { link, front, probe, own, signal } = walk;
  const fault = (sentence: string) => broken(sentence, evidence(answer, own.headers, probe.id));
  await link('mapping', sentences.mapping, () => {
    if (answer.status === 404) throw fault(sentences.mapping);
  });
  await link('permission', sentences.permission, () => {
    if (answer.status === 403) throw fault(sentences.permission);
  });
  const shown = headersWith(answer.headers, probe.id);
  await link('ignored_header', sentences.ignored_header, () => {
    if (answer.body.byteLength === 0 && (isHandedOver(own) || shown.length > 0)) throw fault(sentences.ignored_header);
  });
  await link('bytes', sentences.bytes, () => {
    if (!answer.body.equals(probe.bytes)) throw fault(sentences.bytes);
  });
  await link('leaked_header', sentences.leaked_header, () => {
    if (shown.length > 0) throw fault(sentences.leaked_header);
  });
  await link('streamed', sentences.streamed, () => {
    if (isHandedOver(own) && answer.headers[saysHeader]?.includes('streamed')) throw fault(whyStreamed(answer.headers));
  });
  await link('lost_header', sentences.lost_header, () => {
    const lost = lostHeaders(own.headers, answer.headers, walk.replaced);
    if (lost.length > 0)
      throw fault(`The front drops these headers of the view: ${lost.join(', ')}. Have it add them again.`);
  });
  await link('ranges', sentences.ranges, async () => checkRange(probe, await front.ask(probe.id, ranged, signal)));
  await link('head', sentences.head, async () => {
    const head = await front.ask(probe.id, { method: 'HEAD' }, signal);
    const right = head.status === 200 && head.headers['content-length'] === String(probe.bytes.byteLength);
    if (!right) throw broken(sentences.head, evidence(head));
  });
}

/** The front has only to pass the redirect on; what the client finds there is the storage's. */
async function walkRedirect(walk: FrontWalk, answer: FrontResponse): Promise<void> {
  const { link, front, probe, own, signal } = walk;
  await link('lost_header', sentences.lost_header, () => {
    const lost = lostHeaders(own.headers, answer.headers, walk.replaced);
    if (answer.headers.location === undefined) lost.push('location');
    if (lost.length > 0)
      throw broken(`The front drops these headers of the view: ${lost.join(', ')}.`, evidence(answer));
  });
  const follow = (asked: FrontRequest) => front.follow(probe.id, answer.headers.location ?? '', asked, signal);
  await link('target', sentences.target, async () => {
    const target = await follow({});
    const right = target.status === 200 && target.body.equals(probe.bytes);
    if (!right) throw broken(`${sentences.target} Its status is ${target.status}.`, evidence(target));
  });
  await link('ranges', sentences.ranges, async () => checkRange(probe, await follow(ranged)));
}

const ranged = { headers: { range: 'bytes=100000-100999' } };

function checkRange({ bytes }: Probe, answer: FrontResponse): void {
  const right = answer.status === 206 && answer.body.equals(bytes.subarray(100_000, 101_000));
  const said = answer.headers['content-range'] === `bytes 100000-100999/${bytes.byteLength}`;
  if (!right || !said) throw broken(sentences.ranges, evidence(answer));
}

function isHandedOver(own: FrontWalk['own']): boolean {
  return own.headers[saysHeader] === 'handed over';
}
