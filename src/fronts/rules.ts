import path from 'node:path';
import { FileFieldError } from '../errors.js';
import type { FileSource, LocatedFile } from '../file/file.js';
import type { DownloadRequest } from '../response/request.js';
import type { Delivery, DeliveryChoice } from '../response/download.js';
import { withDelivery } from '../response/download.js';
import type { Storage } from '../file/storage.js';
import { deliveryOf } from './delivery-of.js';
import { explain } from './explain.js';
import type { HandOverOptions } from './hand-over-options.js';
import { below } from './places.js';

/** Which downloads go which way. What is given must all be true of a download; a rule that gives nothing is for the rest. */
export interface DeliveryRule {
  /** Files that this storage keeps. */
  readonly storage?: Storage;
  /** Files on this machine in this folder or below it; absolute. */
  readonly directory?: string;
  /** Requests for this path, or below it, as the client sent them: `/documents` is not `/documents-old`. */
  readonly url?: string;
  readonly delivery: DeliveryChoice;
}

/**
 * A delivery that chooses among others: the first rule that fits a download decides, also when its delivery has to let
 * this process stream after all. Without a rule that fits, it is streamed. Throws `invalid_option` at start-up for rules
 * that cannot work, and for those that no download could reach.
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
export function deliveryRules(
  rules: readonly DeliveryRule[],
  options: Pick<HandOverOptions, 'explain'> = {},
): Delivery {
  if (rules.length === 0) throw invalid('deliveryRules needs at least one rule.');
  const checked = rules.map(check);
  checked.forEach((rule, index) => {
    const earlier = checked.findIndex((one) => covers(one, rule));
    if (earlier < index)
      throw invalid(`Rule ${index + 1} is never reached: rule ${earlier + 1} fits whatever it fits.`);
  });
  return deliveryOf(async (request, response, file) => {
    // One look at the disk serves all rules. What is not there is nowhere; the view finds that out itself.
    let located: Promise<LocatedFile | undefined> | undefined;
    const locate = () => (located ??= Promise.resolve(file.locate?.()).catch(() => undefined));
    for (const rule of checked) {
      if (!(await fits(rule, request, file, locate))) continue;
      const told = { delivery: 'rules', name: file.name, reason: 'none' } as const;
      if (rule.delivery === 'none') return explain(request, { ...response, settled: true }, told, options);
      return withDelivery(async () => response, rule.delivery)(request);
    }
    return explain(request, response, { delivery: 'rules', name: file.name, reason: 'no_rule' }, options);
  });
}

interface CheckedRule extends Pick<DeliveryRule, 'storage' | 'directory' | 'delivery'> {
  readonly url?: readonly string[];
}

function check({ storage, directory, url, delivery }: DeliveryRule, index: number): CheckedRule {
  const wrong = (why: string) => invalid(`Rule ${index + 1} cannot work: ${why}.`);
  if (delivery !== 'none' && typeof delivery !== 'function') throw wrong('it has no "delivery"');
  if (directory !== undefined && !path.isAbsolute(directory)) throw wrong('its "directory" must be an absolute path');
  const segments = url === undefined ? undefined : segmentsOf(url);
  if (url !== undefined && (!url.startsWith('/') || /[?#]/.test(url) || !segments)) {
    throw wrong('its "url" must be a path that starts with a slash, without query or dot segments');
  }
  return { storage, delivery, directory: directory && path.resolve(directory), url: segments };
}

/** Whether every download that fits `later` fits `one` too. */
function covers(one: CheckedRule, later: CheckedRule): boolean {
  if (one.storage && one.storage !== later.storage) return false;
  if (one.directory !== undefined && !(later.directory !== undefined && within(one.directory, later.directory)))
    return false;
  return !one.url || (later.url !== undefined && begins(later.url, one.url));
}

async function fits(
  rule: CheckedRule,
  request: DownloadRequest,
  file: FileSource,
  locate: () => Promise<LocatedFile | undefined>,
): Promise<boolean> {
  if (rule.storage && file.origin !== rule.storage) return false;
  if (rule.url) {
    const asked = segmentsOf((request.url ?? '').replace(/[?#].*$/s, ''));
    if (!asked || !begins(asked, rule.url)) return false;
  }
  if (rule.directory === undefined) return true;
  const located = await locate();
  return located !== undefined && within(rule.directory, located.path);
}

/** The parts of a path, decoded; undefined for one with dot segments or false encoding, which could be read in two ways. */
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

function begins(segments: readonly string[], start: readonly string[]): boolean {
  return start.every((segment, index) => segments[index] === segment);
}

function within(folder: string, file: string): boolean {
  return folder === file || below(folder, file) !== undefined;
}

function invalid(message: string): FileFieldError {
  return new FileFieldError('invalid_option', message);
}
