import { randomUUID } from 'node:crypto';
import { FileFieldError } from '../errors.js';

const maximumBytes = 512;
const maximumSegmentBytes = 255;
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f\\]/;

/** The folder of a storage on a disk for files that are being written. No key begins with it. */
export const unfinishedFolder = '.filefield';

/** The identity in the keys of an application without a ledger. */
export const noIdentity = 'unrecorded';

/**
 * A new storage key such as `k3v9x0q2m7ab/2026/11/22/3f2c…`: the ledger's identity, and a folder per day. It contains
 * nothing that a user chose - no name, no extension, no id - so it cannot collide, leave its folder, or be guessed from what
 * a client sees.
 */
export function makeKey(identity: string, now: Date = new Date()): string {
  const unique = randomUUID().replaceAll('-', '');
  return `${identity}/${now.toISOString().slice(0, 10).replaceAll('-', '/')}/${unique}`;
}

/** The form of the keys of `makeKey`. */
export const ownKey = /^([0-9a-z]{8,16})\/\d{4}\/\d{2}\/\d{2}\/[0-9a-f]{32}$/;

/**
 * True for a key that `makeKey` returned for this identity. Other objects of a storage are never reported as unknown or
 * deleted: they are of another ledger, or of another program.
 */
export function isOwnKey(key: string, identity: string): boolean {
  return ownKey.exec(key)?.[1] === identity;
}

/** True for a key that a ledger of whatever identity made: its object belongs to that ledger. */
export function isLedgerKey(key: string): boolean {
  return ownKey.test(key) || isFenceKey(key) || key.startsWith('filefield-probe/');
}

/** True for a key below an identity, whatever its form. */
export function isKeyOf(key: string, identity: string): boolean {
  return key.startsWith(`${identity}/`);
}

/** Where the markers of ledgers are. */
export const fenceFolder = 'filefield-fence/';

/** The key of one of the two markers by which a ledger recognises a storage; see `ledger/fence.ts`. */
export function fenceKey(identity: string, storage: string, slot: 0 | 1): string {
  return checkKey(`${fenceFolder}${identity}/${slot}-${storage}`);
}

/**
 * True for the key of a marker of any ledger, also below the prefix of a storage. Markers are the only objects that are
 * written anew.
 */
export function isFenceKey(key: string): boolean {
  return key.startsWith(fenceFolder) || key.includes(`/${fenceFolder}`);
}

/**
 * The key of a health check's probe; `id` is 32 hexadecimal digits. It never has the form of `makeKey`. It contains `@` so
 * that the probe also tests the percent-encoding of a front.
 */
export function probeKey(id: string): string {
  return checkKey(`filefield-probe/${id}@probe`);
}

const probe = /^filefield-probe\/[0-9a-f]{32}@probe$/;

/** True for the key of a probe: a health check is running, or one was killed. */
export function isProbeKey(key: string): boolean {
  return probe.test(key);
}

/**
 * Returns the key if every storage can keep it: 1 to 512 bytes of UTF-8, with segments of at most 255 bytes joined by `/`.
 * No segment may be empty, start with a dot, or contain control characters or a backslash.
 *
 * @throws `invalid_key`
 *
 * @example
 * ```ts
 * import { checkKey } from 'filefield';
 *
 * checkKey('exports/2026.csv'); // returns it
 * // checkKey('../secret') throws
 * ```
 */
export function checkKey(key: string): string {
  const fault = keyFault(key);
  if (fault) throw new FileFieldError('invalid_key', `A storage key ${fault}.`, { key, rule: 'key' });
  return key;
}

function keyFault(key: string): string | undefined {
  if (typeof key !== 'string' || key === '') return 'must not be empty';
  // Nearly all keys, at a fraction of the cost.
  if (ownKey.test(key)) return undefined;
  if (!key.isWellFormed()) return 'must be well-formed Unicode';
  if (Buffer.byteLength(key) > maximumBytes) return `must not exceed ${maximumBytes} bytes`;
  if (forbidden.test(key)) return 'must not contain control characters or a backslash';
  for (const segment of key.split('/')) {
    if (segment === '') return 'must not have empty segments';
    // This excludes `.`, `..` and the folders in which storages keep files of their own.
    if (segment.startsWith('.')) return 'must not have segments that start with a dot';
    if (Buffer.byteLength(segment) > maximumSegmentBytes)
      return `must not have segments over ${maximumSegmentBytes} bytes`;
  }
  return undefined;
}
