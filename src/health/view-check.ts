import type { DownloadHandler } from '../response/download.js';
import { runHandler, type OpenResponse, type ViewRequest } from '../send/in-process.js';
import { broken } from './broken.js';
import type { Check } from './check.js';
import { healthCheck } from './health-check.js';
import { sameBytes } from './same-bytes.js';

/** No more of a file is read than this. */
const enough = 64 * 1024;

/** What to ask the view for. */
export type ViewCheckOptions<Raw> = Omit<ViewRequest<Raw>, 'method'>;

/**
 * Runs a view in this process and sees that its answers belong together: `get` has the bytes that it promises, `head`
 * says the same without them, `range` gives the right part, `conditional` answers 304. Reads at most 64 KiB of the file,
 * and counts for no download: of the view's hooks only `onMissing` is called. Where a delivery hands over, ranges and conditions
 * are somebody else's: `deliveryCheck` looks at those.
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
  const ask = async <Value>(
    method: string,
    headers: object,
    look: (answer: OpenResponse) => Promise<Value> | Value,
  ) => {
    const answer = await runHandler(view, { ...options, method, headers: { ...options.headers, ...headers } });
    try {
      return await look(answer);
    } finally {
      answer.close();
    }
  };
  return healthCheck(async (link) => {
    const whole = await link('get', sentences.get, () => ask('GET', {}, lookAtGet));
    await link('head', sentences.head, () => ask('HEAD', {}, (answer) => lookAtHead(answer, whole.headers)));
    if (whole.handedOver) return;
    if (whole.headers['accept-ranges'] === 'bytes' && whole.first.byteLength > 0) {
      const [start, end] = [Math.floor(whole.first.byteLength / 3), Math.floor(whole.first.byteLength / 2)];
      const part = whole.first.subarray(start, end + 1);
      const headers = { range: `bytes=${start}-${end}` };
      await link('range', sentences.range, () => ask('GET', headers, (answer) => lookAtRange(answer, part, start)));
    }
    const condition = conditionOf(whole.headers);
    if (condition) await link('conditional', sentences.conditional, () => ask('GET', condition, lookAtConditional));
  });
}

const sentences = {
  get: 'The view does not give the file: do its parameters and headers name one that this client may have?',
  head: 'The view answers HEAD otherwise than GET.',
  range: 'The view does not give the part of the file that a range asks for.',
  conditional: 'The view does not answer 304 to a client that has the file already.',
} as const;

interface Whole {
  readonly headers: OpenResponse['headers'];
  readonly first: Buffer;
  readonly handedOver: boolean;
}

async function lookAtGet({ status, headers, body, error }: OpenResponse): Promise<Whole> {
  const redirected = status >= 300 && status < 400 && headers.location !== undefined;
  if (status !== 200 && !redirected) {
    throw broken(
      `The view answers ${status}: do its parameters and headers name a file that this client may have?`,
      error,
    );
  }
  const first = await firstBytes(body?.stream() ?? []);
  const length = headers['content-length'];
  if (length !== undefined && first.byteLength !== Math.min(Number(length), enough)) {
    throw broken(`The view promises ${length} bytes and gives ${first.byteLength}.`);
  }
  return { headers, first, handedOver: body === undefined && length === undefined };
}

async function firstBytes(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let left = enough;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk.subarray(0, left)));
    left -= Math.min(left, chunk.byteLength);
    if (left === 0) break;
  }
  return Buffer.concat(chunks);
}

/** What a client may compare; a digest or a date may differ from one moment to the next. */
const compared = ['content-length', 'content-type', 'content-disposition', 'etag', 'accept-ranges'];

function lookAtHead({ status, headers, error }: OpenResponse, whole: OpenResponse['headers']): void {
  if (status >= 400) throw broken(`The view answers ${status} to HEAD and gives the file to GET.`, error);
  const other = compared.filter((name) => headers[name] !== whole[name]);
  if (other.length > 0) throw broken(`HEAD and GET differ in ${other.join(', ')}.`);
}

async function lookAtRange({ status, headers, body, error }: OpenResponse, part: Buffer, start: number): Promise<void> {
  if (status !== 206) throw broken(`The view answers ${status} to a range, where it should be 206.`, error);
  const range = `bytes ${start}-${start + part.byteLength - 1}/`;
  if (!headers['content-range']?.startsWith(range)) throw broken(sentences.range);
  await sameBytes(body?.stream() ?? [], part, sentences.range);
}

function conditionOf({ etag, 'last-modified': modified }: OpenResponse['headers']): Record<string, string> | undefined {
  if (etag !== undefined) return { 'if-none-match': etag };
  return modified === undefined ? undefined : { 'if-modified-since': modified };
}

function lookAtConditional({ status, error }: OpenResponse): void {
  if (status !== 304) throw broken(`The view answers ${status} to a client that has the file already, not 304.`, error);
}
