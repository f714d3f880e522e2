import type { IncomingMessage, ServerResponse } from 'node:http';
import { duration, type Duration } from '../options.js';
import type { LinkResult } from './check-result.js';
import { healthReport } from './health-report.js';
import { runChecks, type CheckResults, type Checks } from './run-checks.js';

/** Options of `healthHandler`. */
export interface HealthHandlerOptions<Raw extends IncomingMessage = IncomingMessage> {
  /**
   * Returns true for requests that may see the links with their times and the sentence of the one that failed. No path, key
   * or URL is ever shown.
   * @default false for all requests: clients see the name of each check, whether it is ok, and the link that failed
   */
  readonly details?: (request: Raw) => boolean;
  /**
   * A check that takes longer has failed; at least 1 ms.
   * @default '10s'
   */
  readonly timeout?: Duration;
  /**
   * How long a result is reused. Requests cannot make the checks run more often than this, nor twice at the same time.
   * @default '10s'
   */
  readonly every?: Duration;
  /**
   * Called when a check fails that was ok before, and when it fails at another link. The `error` of the link has the cause.
   * @default console.error
   */
  readonly onBroken?: (name: string, link: LinkResult) => void;
}

/**
 * A request handler for monitoring: 200 if all checks are ok, else 503, with a body such as
 * `{ "status": "failing", "checks": { "documents": { "ok": false, "link": "read" } } }`. For `node:http`, Express 4 and 5,
 * and everything that accepts their handlers. Other methods than GET and HEAD get 405.
 *
 * @throws `invalid_option` for a `timeout` or `every` that is not a duration
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
  const latest = sharedResults(checks, options);
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(request, response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' });
      return;
    }
    void latest().then((results) => {
      const report = healthReport(results, seesDetails(request, options) ? 'details' : 'summary');
      send(request, response, report.status === 'ok' ? 200 : 503, report);
    });
  };
}

/** Returns a function that runs the checks, unless a run is under way or its results may still be reused. */
function sharedResults(checks: Checks, options: Pick<HealthHandlerOptions, 'timeout' | 'every' | 'onBroken'>) {
  const timeout = duration('timeout', options.timeout ?? '10s', { from: 1 });
  const every = duration('every', options.every ?? '10s');
  const onBroken = options.onBroken ?? ((name, { link, error }) => console.error(`health: ${name} ${link}`, error));
  const reported = new Map<string, string>();
  let running: Promise<CheckResults> | undefined;
  let until = 0;
  const report = (results: CheckResults) => {
    for (const [name, { links }] of Object.entries(results)) {
      const failed = links.find(({ ok }) => !ok);
      if (!failed) reported.delete(name);
      else if (reported.get(name) !== failed.link) {
        reported.set(name, failed.link);
        attempt(() => onBroken(name, failed));
      }
    }
  };
  return () => {
    if (running && performance.now() < until) return running;
    until = Infinity;
    running = runChecks(checks, timeout).then((results) => {
      until = performance.now() + every;
      report(results);
      return results;
    });
    return running;
  };
}

function seesDetails<Raw extends IncomingMessage>(request: Raw, { details }: HealthHandlerOptions<Raw>): boolean {
  // Exactly true: a promise is truthy.
  return attempt(() => details?.(request)) === true;
}

/** An error in a callback of the application must neither change the response nor end the process. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    console.error(error);
    return undefined;
  }
}

function send(
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
