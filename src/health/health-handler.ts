import type { IncomingMessage, ServerResponse } from 'node:http';
import { duration, type Duration } from '../options.js';
import type { LinkResult } from './check.js';
import { healthReport } from './health-report.js';
import { runChecks, type CheckResults, type Checks } from './run-checks.js';

export interface HealthHandlerOptions<Raw extends IncomingMessage = IncomingMessage> {
  /**
   * Who sees the links with their times, and the sentence of the broken one. No path, key or URL is ever shown.
   * @default nobody: a stranger sees each check's name, whether it is in order and, if not, at which link
   */
  readonly details?: (request: Raw) => boolean;
  /**
   * How long a check may take; one that hangs is broken.
   * @default '10s'
   */
  readonly timeout?: Duration;
  /**
   * How long a result is good for. Nobody can make the checks run more often than this, nor twice at once.
   * @default '10s'
   */
  readonly every?: Duration;
  /**
   * Told when a check breaks, and again when it breaks at another link; the link's `error` has the cause.
   * @default console.error
   */
  readonly onBroken?: (name: string, link: LinkResult) => void;
}

/**
 * Answers 200 if all checks are in order, else 503, with a small JSON: `{ status: 'failing', checks: { documents: { ok:
 * false, link: 'read' } } }`. For `node:http`, Express 4 and 5, and all that takes their handlers. GET and HEAD only.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { healthHandler, storageCheck } from 'filefield/health';
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const documents = new DiskStorage({ root: 'var/documents' });
 * express().get('/health', healthHandler({ documents: storageCheck(documents) }));
 * ```
 */
export function healthHandler<Raw extends IncomingMessage = IncomingMessage>(
  checks: Checks,
  options: HealthHandlerOptions<Raw> = {},
): (request: Raw, response: ServerResponse) => void {
  const results = shared(checks, options);
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(request, response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' });
      return;
    }
    void results().then((found) => {
      const report = healthReport(found, seesDetails(request, options));
      answer(request, response, report.status === 'ok' ? 200 : 503, report);
    });
  };
}

/** The results of one run for all who ask while it runs, and for a while after. */
function shared(checks: Checks, options: Pick<HealthHandlerOptions, 'timeout' | 'every' | 'onBroken'>) {
  const timeout = duration('timeout', options.timeout ?? '10s', { from: 1 });
  const every = duration('every', options.every ?? '10s');
  const onBroken = options.onBroken ?? ((name, { link, error }) => console.error(`health: ${name} ${link}`, error));
  const told = new Map<string, string>();
  let running: Promise<CheckResults> | undefined;
  let until = 0;
  return () => {
    if (running && performance.now() < until) return running;
    until = Infinity;
    running = runChecks(checks, timeout).then((results) => {
      until = performance.now() + every;
      for (const [name, { links }] of Object.entries(results)) {
        const broken = links.find(({ ok }) => !ok);
        if (!broken) told.delete(name);
        else if (told.get(name) !== broken.link) {
          told.set(name, broken.link);
          attempt(() => onBroken(name, broken));
        }
      }
      return results;
    });
    return running;
  };
}

function seesDetails<Raw extends IncomingMessage>(request: Raw, { details }: HealthHandlerOptions<Raw>): boolean {
  // Only what is certainly a yes: a promise would be taken for one.
  return attempt(() => details?.(request)) === true;
}

/** What a function of the program throws must neither change the answer nor end the process. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    console.error(error);
    return undefined;
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed || response.headersSent) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
