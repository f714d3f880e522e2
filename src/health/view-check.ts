import type { DownloadHandler } from '../response/download.js';
import { runHandler, type OpenResponse, type ViewRequest } from '../send/in-process.js';
import { unhealthy, type Check } from './check-result.js';
import { healthCheck } from './health-check.js';
import { expectBytes } from './probe.js';

/** The most bytes that are read from a file. */
const maximumBytes = 64 * 1024;

/** The request to the view: parameters, headers, URL and the framework's request. */
export type ViewCheckOptions<Raw> = Omit<ViewRequest<Raw>, 'method'>;

/**
 * A check that runs a view in this process and compares its responses. Links: `get` (as many bytes as promised), `head` (the
 * same headers as GET), `range` (the right part), `conditional` (304 for the ETag or date of the GET). Reads at most 64 KiB
 * of the file. Of the view's hooks only `onMissing` is called, so the check does not count as a download.
 *
 * If the view's delivery hands over, ranges and conditions are up to the server in front: `deliveryCheck` tests those.
 *
 * @example
 * ```ts
 * import { virtualView } from 'filefield';
 * import { viewCheck } from 'filefield/health';
 *
 * const view = virtualView(() => ({ name: 'a.txt', content: 'hello' }));
 * const check = viewCheck(view, { params: { slug: 'handbook' }, headers: { authorization: 'Bearer …' } });
 * ```
 */
export function viewCheck<Raw>(view: DownloadHandler<Raw>, options: ViewCheckOptions<Raw> = {}): Check {
  const request = async <Value>(
    method: string,
    headers: object,
    examine: (response: OpenResponse) => Promise<Value> | Value,
  ) => {
    const response = await runHandler(view, { ...options, method, headers: { ...options.headers, ...headers } });
    try {
      return await examine(response);
    } finally {
      response.close();
    }
  };
  return healthCheck(async (link) => {
    const whole = await link('get', sentences.get, () => request('GET', {}, examineGet));
    await link('head', sentences.head, () => request('HEAD', {}, (response) => examineHead(response, whole.headers)));
    if (whole.handedOver) return;
    if (whole.headers['accept-ranges'] === 'bytes' && whole.first.byteLength > 0) {
      const [start, end] = [Math.floor(whole.first.byteLength / 3), Math.floor(whole.first.byteLength / 2)];
      const part = whole.first.subarray(start, end + 1);
      const headers = { range: `bytes=${start}-${end}` };
      await link('range', sentences.range, () =>
        request('GET', headers, (response) => examineRange(response, part, start)),
      );
    }
    const condition = conditionOf(whole.headers);
    if (condition)
      await link('conditional', sentences.conditional, () => request('GET', condition, examineConditional));
  });
}

const sentences = {
  get: 'The view does not return the file: give the check parameters and headers of a file that this client may have.',
  head: 'The view does not answer HEAD as it answers GET.',
  range: 'The view does not return the requested part of the file.',
  conditional: 'The view does not answer 304 to a client that already has the file.',
} as const;

/** What the response to GET says. */
interface Whole {
  readonly headers: OpenResponse['headers'];
  /** The beginning of the file. */
  readonly first: Buffer;
  readonly handedOver: boolean;
}

async function examineGet({ status, headers, body, error }: OpenResponse): Promise<Whole> {
  const redirected = status >= 300 && status < 400 && headers.location !== undefined;
  if (status !== 200 && !redirected) {
    throw unhealthy(
      `The view answers ${status}: give the check parameters and headers of a file that this client may have.`,
      error,
    );
  }
  const first = await firstBytes(body?.stream() ?? []);
  const length = headers['content-length'];
  if (length !== undefined && first.byteLength !== Math.min(Number(length), maximumBytes)) {
    throw unhealthy(`The view promises ${length} bytes and sends ${first.byteLength}.`);
  }
  return { headers, first, handedOver: body === undefined && length === undefined };
}

async function firstBytes(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let left = maximumBytes;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk.subarray(0, left)));
    left -= Math.min(left, chunk.byteLength);
    if (left === 0) break;
  }
  return Buffer.concat(chunks);
}

/** Headers that GET and HEAD must share; others, such as Date, may change between two requests. */
const compared = ['content-length', 'content-type', 'content-disposition', 'etag', 'accept-ranges'];

function examineHead({ status, headers, error }: OpenResponse, whole: OpenResponse['headers']): void {
  if (status >= 400) throw unhealthy(`The view answers ${status} to HEAD but returns the file for GET.`, error);
  const different = compared.filter((name) => headers[name] !== whole[name]);
  if (different.length > 0) throw unhealthy(`HEAD and GET differ in ${different.join(', ')}.`);
}

async function examineRange(
  { status, headers, body, error }: OpenResponse,
  part: Buffer,
  start: number,
): Promise<void> {
  if (status !== 206) throw unhealthy(`The view answers ${status} to a range, not 206.`, error);
  const range = `bytes ${start}-${start + part.byteLength - 1}/`;
  if (!headers['content-range']?.startsWith(range)) throw unhealthy(sentences.range);
  await expectBytes(body?.stream() ?? [], part, sentences.range);
}

function conditionOf({ etag, 'last-modified': modified }: OpenResponse['headers']): Record<string, string> | undefined {
  if (etag !== undefined) return { 'if-none-match': etag };
  return modified === undefined ? undefined : { 'if-modified-since': modified };
}

function examineConditional({ status, error }: OpenResponse): void {
  if (status !== 304)
    throw unhealthy(`The view answers ${status} to a client that already has the file, not 304.`, error);
}
