import { FileFieldError } from '../errors.js';
import type { Answer } from '../response/answer.js';
import { report, type AdapterOptions } from './report.js';

/**
 * The bytes of an answer as a stream that reads when it is asked to. Rejects while the first chunk cannot be had, so that
 * the failure can still be answered; later the stream breaks. Never gives more or fewer bytes than the head promises.
 */
export async function openStream(
  answer: Answer,
  request: Request,
  options: AdapterOptions<Request>,
): Promise<ReadableStream<Uint8Array>> {
  const { hooks, status } = answer;
  const promised = answer.headers['content-length'];
  let left = promised === undefined ? Infinity : Number(promised);
  let bytes = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = await answer.open!();
  const chunks = body.stream()[Symbol.asyncIterator]();

  const end = (how: 'complete' | 'abort', error?: unknown) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    request.signal.removeEventListener('abort', leave);
    // A source that is waited for answers only afterwards, if ever; closing the body stops it.
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
    body.close();
    answer.close();
    hooks?.[how]?.({ status, bytes, ...(error !== undefined && { error }) });
  };
  const leave = () => {
    end('abort');
    controller.error(new FileFieldError('aborted', 'The client left or stalled.'));
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done && left !== Infinity) throw new FileFieldError('incomplete', `A file ended ${left} bytes early.`);
      if (done) return undefined;
      // A source that grew meanwhile: the head's promise stands.
      const chunk = value.byteLength > left ? value.subarray(0, left) : value;
      left -= chunk.byteLength;
      if (chunk.byteLength > 0) return chunk;
    }
  };

  hooks?.start?.({ status, bytes });
  let first: Uint8Array | undefined;
  try {
    if (body.size !== undefined && body.size < left && left !== Infinity) {
      throw new FileFieldError('incomplete', `A file is ${left - body.size} bytes short.`);
    }
    first = left > 0 ? await next() : undefined;
  } catch (error) {
    end('abort', error);
    throw error;
  }
  let begun = false;
  /** Whoever takes nothing for that long has left, or will never begin. */
  const wait = () => (timer = setTimeout(leave, options.idleTimeout ?? 60_000).unref());
  return new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
        wait();
        if (request.signal.aborted) leave();
        else request.signal.addEventListener('abort', leave, { once: true });
      },
      async pull() {
        clearTimeout(timer);
        try {
          const chunk = begun ? await next() : first;
          begun = true;
          first = undefined;
          if (ended) return;
          bytes += chunk?.byteLength ?? 0;
          if (chunk) controller.enqueue(chunk);
          if (!chunk || left === 0) {
            end('complete');
            controller.close();
          } else wait();
        } catch (error) {
          if (ended) return;
          end('abort', error);
          report(error, request, options);
          controller.error(error);
        }
      },
      cancel: () => end('abort'),
    },
    // Nothing is read ahead of the client.
    { highWaterMark: 0 },
  );
}
