import { randomUUID } from 'node:crypto';
import { FileFieldError } from '../errors.js';

const maximumBytes = 512;
const maximumSegmentBytes = 255;
// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f\\]/;

/**
 * A fresh storage key, `2026/11/22/3f2c…`: a folder a day. It holds nothing that a user chose: names, extensions and ids stay out, so a
 * key can neither collide, nor traverse, nor be guessed from what a client was shown.
 */
export function makeKey(now: Date = new Date()): string {
  const unique = randomUUID().replaceAll('-', '');
  return `${now.toISOString().slice(0, 10).replaceAll('-', '/')}/${unique}`;
}

const own = /^\d{4}\/\d{2}\/\d{2}\/[0-9a-f]{32}$/;

/** Whether a key has the form that `makeKey` gives: what else is in a storage is none of our business. */
export function isOwnKey(key: string): boolean {
  return own.test(key);
}

/**
 * The key of a health check's probe; 32 hexadecimal digits tell it from all others. Never the form of `makeKey`. The at
 * is for servers in front, which must be told of it in the one way that they understand.
 */
export function probeKey(id: string): string {
  return checkKey(`filefield-probe/${id}@probe`);
}

const probe = /^filefield-probe\/[0-9a-f]{32}@probe$/;

/** Whether a key is that of a probe: a health check runs at this moment, or one was killed. */
export function isProbeKey(key: string): boolean {
  return probe.test(key);
}

/**
 * Returns the key if every storage can keep it: 1 to 512 bytes of UTF-8, segments of at most 255 bytes joined by `/`,
 * none of them empty, starting with a dot, or holding control characters or a backslash. Throws `invalid_key`.
 */
export function checkKey(key: string): string {
  const fault = keyFault(key);
  if (fault) throw new FileFieldError('invalid_key', `A storage key ${fault}.`, { key, rule: 'key' });
  return key;
}

function keyFault(key: string): string | undefined {
  if (typeof key !== 'string' || key === '') return 'must not be empty';
  if (!key.isWellFormed()) return 'must be well-formed Unicode';
  if (Buffer.byteLength(key) > maximumBytes) return `must not exceed ${maximumBytes} bytes`;
  if (forbidden.test(key)) return 'must not contain control characters or a backslash';
  for (const segment of key.split('/')) {
    if (segment === '') return 'must not have empty segments';
    // Covers `.`, `..` and the folders in which storages keep their own affairs.
    if (segment.startsWith('.')) return 'must not have segments that start with a dot';
    if (Buffer.byteLength(segment) > maximumSegmentBytes)
      return `must not have segments over ${maximumSegmentBytes} bytes`;
  }
  return undefined;
}
