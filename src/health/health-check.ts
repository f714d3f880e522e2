import { isFileFieldError } from '../errors.js';
import { tookTooLong, unhealthy, untilAborted, type Check, type CheckResult, type LinkResult } from './check-result.js';

/**
 * Runs one link of a check and measures it. Resolves to the value of `work`; rejects if `work` does, which ends the check.
 * The sentence then says what to do.
 */
export type WalkLink = <Value>(link: string, sentence: string, work: () => Value | Promise<Value>) => Promise<Value>;

/** Notes what a check does not look at, in one phrase without a path, key or URL; `filefield doctor` prints it. */
export type NotChecked = (phrase: string) => void;

/**
 * A check of your own, link by link. When it is aborted, work that hangs is abandoned; delete what the check wrote in a
 * `finally`.
 *
 * WARNING: the option `details` of `healthHandler` shows the sentences, so they must not contain a path, key or URL.
 *
 * @example
 * ```ts
 * import { healthCheck } from 'filefield/health';
 *
 * declare const dataSource: { query(sql: string): Promise<unknown> };
 * const database = healthCheck(async (link) => {
 *   await link('query', 'The database does not answer: is it running?', () => dataSource.query('SELECT 1'));
 * });
 * ```
 */
export function healthCheck(
  steps: (link: WalkLink, signal: AbortSignal, notChecked: NotChecked) => Promise<void>,
): Check {
  return {
    async run({ signal = new AbortController().signal } = {}) {
      const chain = new Chain(signal);
      const work = (async () => steps(chain.walk, signal, chain.notChecked))().catch((error: unknown) =>
        chain.fail('check', error),
      );
      const aborted = Symbol();
      if ((await untilAborted(work, signal, aborted)) !== aborted) return chain.result();
      chain.abort();
      return { ...chain.result(), cleared: work };
    },
  };
}

/** The links that have run. */
class Chain {
  readonly #links: LinkResult[] = [];
  readonly #notChecked: string[] = [];
  #running: { readonly link: string; readonly started: number } | undefined;

  constructor(private readonly signal: AbortSignal) {}

  readonly notChecked: NotChecked = (phrase) => void this.#notChecked.push(phrase);

  readonly walk: WalkLink = async (link, sentence, work) => {
    const started = performance.now();
    try {
      this.signal.throwIfAborted();
      this.#running = { link, started };
      const late = Symbol();
      const value = await untilAborted((async () => work())(), this.signal, late);
      if (value === late) throw this.signal.reason;
      this.#running = undefined;
      this.#links.push({ link, ok: true, milliseconds: since(started) });
      return value as Exclude<typeof value, typeof late>;
    } catch (cause) {
      const error = isFileFieldError(cause, 'unhealthy') ? cause : unhealthy(sentence, cause);
      if (this.signal.aborted) this.abort();
      else this.fail(link, error, since(started));
      throw error;
    }
  };

  /** Fails the link that is running, or a link `timeout` if none is. */
  abort(): void {
    const { link, started } = this.#running ?? { link: 'timeout', started: performance.now() };
    this.fail(link, unhealthy(tookTooLong, this.signal.reason), since(started));
  }

  /** Only the first failure counts, because others follow from it. */
  fail(link: string, cause: unknown, milliseconds = 0): void {
    if (this.#links.some(({ ok }) => !ok)) return;
    const error = isFileFieldError(cause, 'unhealthy') ? cause : unhealthy('The check itself failed.', cause);
    this.#links.push({ link, ok: false, milliseconds, error });
  }

  result(): CheckResult {
    const notChecked = this.#notChecked.length > 0 && { notChecked: [...this.#notChecked] };
    return { ok: this.#links.every(({ ok }) => ok), links: [...this.#links], ...notChecked };
  }
}

const since = (started: number) => Math.round(performance.now() - started);
