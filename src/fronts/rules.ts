import path from 'node:path';
import type { FileSource, LocatedFile } from '../file/file.js';
import type { Storage } from '../file/storage.js';
import { invalidOption } from '../options.js';
import type { DownloadRequest } from '../response/request.js';
import type { Delivery, DeliveryChoice } from '../response/download.js';
import { withDelivery } from '../response/download.js';
import { explain, type ExplainOptions } from './explain.js';
import { fileDelivery } from './hand-over.js';
import { segmentsBelow } from './places.js';

/** Which downloads use which delivery. A download matches if every condition is true of it; a rule without any matches all. */
export interface DeliveryRule {
  /** The storage that holds the file; compared by identity. */
  readonly storage?: Storage;
  /** An absolute path: the file is on this machine, in this folder or below it. */
  readonly directory?: string;
  /** The path of the request, or a path above it, as the client sent it: `/documents` does not match `/documents-old`. */
  readonly url?: string;
  /** The delivery, or `'none'` to stream from this process. */
  readonly delivery: DeliveryChoice;
}

/**
 * A delivery that chooses another one: that of the first rule that matches the download. It decides even if its delivery
 * must stream after all. A download that no rule matches is streamed.
 *
 * @throws `invalid_option` for a rule that cannot work, and for one that can never match because an earlier rule does.
 *
 * @example
 * ```ts
 * import { deliveryRules, redirect, xAccelRedirect, type Storage, type StorageRegistry } from 'filefield';
 *
 * declare const storages: StorageRegistry, photos: Storage;
 * const delivery = deliveryRules([
 *   { url: '/internal', delivery: 'none' },
 *   { storage: photos, delivery: redirect() },
 *   { delivery: xAccelRedirect(storages) },
 * ]);
 * ```
 */
export function deliveryRules(rules: readonly DeliveryRule[], options: ExplainOptions = {}): Delivery {
  if (rules.length === 0) throw invalidOption('deliveryRules needs at least one rule.');
  const checked = rules.map(check);
  checked.forEach((rule, index) => {
    const earlier = checked.findIndex((other) => covers(other, rule));
    if (earlier < index) {
      throw invalidOption(
        `Rule ${index + 1} is never reached: rule ${earlier + 1} matches everything that it matches. Put it first.`,
      );
    }
  });
  return fileDelivery(async (request, download, file) => {
    // One lookup serves all rules. A file that is missing matches no folder; the view reports it when it opens the file.
    let located: Promise<LocatedFile | undefined> | undefined;
    const locate = () => (located ??= Promise.resolve(file.locate?.()).catch(() => undefined));
    for (const rule of checked) {
      if (!(await matches(rule, request, file, locate))) continue;
      const decision = { delivery: 'rules', name: file.name, reason: 'none' } as const;
      if (rule.delivery === 'none') return explain(request, { ...download, settled: true }, decision, options);
      return withDelivery(async () => download, rule.delivery)(request);
    }
    return explain(request, download, { delivery: 'rules', name: file.name, reason: 'no_rule' }, options);
  });
}

interface CheckedRule extends Pick<DeliveryRule, 'storage' | 'directory' | 'delivery'> {
  readonly url?: readonly string[];
}

function check({ storage, directory, url, delivery }: DeliveryRule, index: number): CheckedRule {
  const wrong = (reason: string) => invalidOption(`Rule ${index + 1} cannot work: ${reason}.`);
  if (delivery !== 'none' && typeof delivery !== 'function') throw wrong('it has no "delivery"');
  if (directory !== undefined && !path.isAbsolute(directory)) throw wrong('its "directory" must be an absolute path');
  const segments = url === undefined ? undefined : segmentsOf(url);
  if (url !== undefined && (!url.startsWith('/') || /[?#]/.test(url) || !segments)) {
    throw wrong('its "url" must be a path that starts with a slash, without query or dot segments');
  }
  return { storage, delivery, directory: directory && path.resolve(directory), url: segments };
}

/** True if every download that matches `later` also matches `earlier`. */
function covers(earlier: CheckedRule, later: CheckedRule): boolean {
  if (earlier.storage && earlier.storage !== later.storage) return false;
  if (earlier.directory !== undefined && !(later.directory !== undefined && within(earlier.directory, later.directory)))
    return false;
  return !earlier.url || (later.url !== undefined && startsWith(later.url, earlier.url));
}

async function matches(
  rule: CheckedRule,
  request: DownloadRequest,
  file: FileSource,
  locate: () => Promise<LocatedFile | undefined>,
): Promise<boolean> {
  if (rule.storage && file.origin !== rule.storage) return false;
  if (rule.url) {
    const requested = segmentsOf((request.url ?? '').replace(/[?#].*$/s, ''));
    if (!requested || !startsWith(requested, rule.url)) return false;
  }
  if (rule.directory === undefined) return true;
  const located = await locate();
  return located !== undefined && within(rule.directory, located.path);
}

/** The segments of a path, decoded; undefined for dot segments and invalid encoding, which programs read differently. */
function segmentsOf(url: string): readonly string[] | undefined {
  try {
    const segments = url
      .split('/')
      .map(decodeURIComponent)
      .filter((segment) => segment !== '');
    return segments.some((segment) => segment === '.' || segment === '..') ? undefined : segments;
  } catch {
    return undefined;
  }
}

function startsWith(segments: readonly string[], start: readonly string[]): boolean {
  return start.every((segment, index) => segments[index] === segment);
}

function within(folder: string, file: string): boolean {
  return folder === file || segmentsBelow(folder, file) !== undefined;
}
