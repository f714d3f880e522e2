import type { FrontPath } from './places.js';
import type { CheckedSetup } from './setup.js';

/** A header of a conditional request (RFC 9110 section 13.1), without If-None-Match, which the view answers with 304. */
export type ConditionHeader = 'if-match' | 'if-unmodified-since' | 'if-modified-since' | 'if-range';

/** Steps of a delivery check whose sentence can name the setting of one front. */
export type FrontStep = 'mapping' | 'permission' | 'ignored_header';

/**
 * One server in front: everything that differs between nginx, Apache, lighttpd and Caddy. Deliveries, configurations, the
 * commands of the CLI and the sentences of health checks are derived from it; `fronts.ts` lists all of them.
 */
export interface Front {
  /** As in `filefield nginx` and in the `delivery` of a `DeliveryEvent`. */
  readonly name: string;
  /** Completes "prints the configuration of …". */
  readonly description: string;
  /** The response header that names the file. */
  readonly header: 'x-accel-redirect' | 'x-sendfile';
  /** What that header holds: a path of the front's URL space, or an absolute path on the front's disk. */
  readonly paths: 'uri' | 'disk';
  /** The value of that header; undefined for a name that this front cannot be given. */
  readonly encode: (path: FrontPath) => string | undefined;
  /**
   * The headers of conditional requests that it may be left to: those that it evaluates with the ETag and Last-Modified of the
   * view, or ignores. A request with another one is answered by the application.
   */
  readonly conditions: readonly ConditionHeader[];
  /** All response headers that this front acts on; a client must never see them. */
  readonly instructions: readonly string[];
  /** True if it can fetch from a bucket by signed URLs, and its configuration can have `remotes`. */
  readonly fetches: boolean;
  /** True if its configuration can have a Unix socket in `listen`. */
  readonly listensOnSockets: boolean;
  /** The text of its configuration. `instructions` are those of all fronts: headers that it must hide from clients. */
  readonly configuration: (setup: CheckedSetup, instructions: readonly string[]) => string;
  /** What to do when a step of a delivery check fails. Shown to operators: no path, key or URL. */
  readonly sentences: Readonly<Record<FrontStep, string>>;
}
