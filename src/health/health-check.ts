import { isFileFieldError } from '../errors.js';
import { broken } from './broken.js';
import type { Check, CheckResult, LinkResult } from './check.js';
import { untilAborted } from './until-aborted.js';

/**
 * Walks along one link: does the work, measures it, and rejects where it fails, so that no later link is tried. The
 * sentence says what to do then.
 */
export type WalkLink = <Value>(link: string, sentence: string, work: () => Value | Promise<Value>) => Promise<Value>;

/**
 * A check of your own, link by link. Work that hangs is left behind when the check is cut short; clear up in a `finally`.
 *
 * WARNING: whoever may see details reads the sentences: no path, key or URL belongs in them.
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
export function healthCheck(steps: (link: WalkLink, signal: AbortSignal) => Promise<void>): Check {
  return {
    async run({ signal = new AbortController().signal } = {}) {
      const chain = new Chain(signal);
      const work = (async () => steps(chain.walk, signal))().catch((error: unknown) => chain.broke('check', error));
      const cut = Symbol();
      if ((await untilAborted(work, signal, cut)) !== cut) return chain.result();
      chain.cutShort();
      return { ...chain.result(), cleared: work };
    },
  };
}

/** What has been walked so far. */
class Chain {
  readonly #links: LinkResult[] = [];
  #walking: { readonly link: string; readonly started: number } | undefined;

  constructor(private readonly signal: AbortSignal) {}

  readonly walk: WalkLink = async (link, sentence, work) => {
    const started = performance.now();
    try {
      this.signal.throwIfAborted();
      this.#walking = { link, started };
      const late = Symbol();
      const value = await untilAborted((async () => work())(), this.signal, late);
      if (value === late) throw this.signal.reason;
      this.#walking = undefined;
      this.#links.push({ link, ok: true, milliseconds: since(started) });
      return value as Exclude<typeof value, typeof late>;
    } catch (cause) {
      const error = isFileFieldError(cause, 'unhealthy') ? cause : broken(sentence, cause);
      if (this.signal.aborted) this.cutShort();
      else this.broke(link, error, since(started));
      throw error;
    }
  };

  cutShort(): void {
    const { link, started } = this.#walking ?? { link: 'timeout', started: performance.now() };
    this.broke(link, broken('This took too long.', this.signal.reason), since(started));
  }

  /** Only the first failure counts: others follow from it. */
  broke(link: string, cause: unknown, milliseconds = 0): void {
    if (this.#links.some(({ ok }) => !ok)) return;
    const error = isFileFieldError(cause, 'unhealthy') ? cause : broken('The check itself failed.', cause);
    this.#links.push({ link, ok: false, milliseconds, error });
  }

  result(): CheckResult {
    return { ok: this.#links.every(({ ok }) => ok), links: [...this.#links] };
  }
}

const since = (started: number) => Math.round(performance.now() - started);
