import { FileFieldError, isFileFieldError } from '../errors.js';
import { checkKey, ownKey } from './key.js';

/**
 * The JSON in a file column: everything that serving needs, so that loading a row costs no I/O and no join. Members with
 * other names, such as those of a newer release, are kept when the row is saved again.
 */
export interface FileDescriptor {
  /** Version of this shape. Readers refuse versions that they do not know. */
  readonly v: 1;
  /** Identity in the ledger: 1 to 36 letters, digits, `-` and `_`. */
  readonly id: string;
  /** Name of a storage in the registry. */
  readonly storage: string;
  /** Key of the object in its storage. */
  readonly key: string;
  /** The uploader's file name, cleaned. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Media type, found from the bytes. */
  readonly type: string;
  /** SHA-256 of the bytes, 64 lower-case hexadecimal digits; absent if this library has never read all of them. */
  readonly sha256?: string;
  /** CRC-32 of the bytes as in zip and gzip, 8 lower-case hexadecimal digits; absent if it is unknown. */
  readonly crc32?: string;
  /** When the bytes were stored: ISO 8601, UTC. */
  readonly modified: string;
  /** Width of an image in pixels, at least 1; absent if it is unknown. */
  readonly width?: number;
  /** Height of an image in pixels, at least 1; absent if it is unknown. */
  readonly height?: number;
  /** Reserved: how the stored bytes are encrypted, any JSON. A file that has it cannot be opened by this release. */
  readonly encryption?: unknown;
}

interface Member {
  /** What the value must be, for the message. */
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
  readonly optional?: true;
}

// Rows are loaded by the thousand, so no regular expression is made for each of them.
const identity = /^[\w-]{1,36}$/;
const hash = /^[0-9a-f]{64}$/;
const crc = /^[0-9a-f]{8}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
/** Times as `toISOString` writes them; the 29th of February is not among them. */
const usualTime =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
const text: Member = { is: 'text', fits: (value) => typeof value === 'string' && value !== '' };
const pixels: Member = { is: 'a whole number from 1', fits: (value) => isWhole(value, 1), optional: true };

/** All members, in the order in which they are written. */
const members: Readonly<Record<keyof FileDescriptor, Member>> = {
  v: { is: 'version 1, the only one that this release reads; upgrade filefield', fits: (value) => value === 1 },
  id: { is: '1 to 36 letters, digits, "-" and "_"', fits: (value) => matches(value, identity) },
  storage: text,
  key: { is: 'a storage key', fits: isKey },
  name: text,
  size: { is: 'a byte count', fits: (value) => isWhole(value, 0) },
  type: text,
  sha256: { is: '64 lower-case hexadecimal digits', fits: (value) => matches(value, hash), optional: true },
  crc32: { is: '8 lower-case hexadecimal digits', fits: (value) => matches(value, crc), optional: true },
  modified: { is: 'a time in ISO 8601 and UTC', fits: isTime },
  width: pixels,
  height: pixels,
  encryption: { is: 'JSON', fits: () => true, optional: true },
};
const known = Object.entries(members);
const names = Object.keys(members);

/** Reads a descriptor from a column, as JSON text or as an object, and checks its members. Throws `invalid_descriptor`. */
export function checkDescriptor(value: unknown): FileDescriptor {
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  if (typeof parsed !== 'object' || parsed === null) throw unreadable('it is not an object');
  if (isUsual(parsed as FileDescriptor)) return parsed as FileDescriptor;
  const record = parsed as Readonly<Record<string, unknown>>;
  for (const [name, { is, fits, optional }] of known) {
    const member = record[name];
    if (!(member === undefined && optional) && !fits(member)) {
      throw unreadable(`its "${name}" is ${shown(member)}, not ${is}`);
    }
  }
  return record as unknown as FileDescriptor;
}

/**
 * True for nearly all files that were staged, in a fraction of the time that the table takes: rows are loaded by the thousand.
 * False says nothing.
 */
function isUsual(file: FileDescriptor): boolean {
  return (
    file.v === 1 &&
    typeof file.storage === 'string' &&
    file.storage !== '' &&
    typeof file.name === 'string' &&
    file.name !== '' &&
    typeof file.type === 'string' &&
    file.type !== '' &&
    isWhole(file.size, 0) &&
    file.width === undefined &&
    file.height === undefined &&
    typeof file.modified === 'string' &&
    usualTime.test(file.modified) &&
    typeof file.key === 'string' &&
    ownKey.test(file.key) &&
    typeof file.id === 'string' &&
    identity.test(file.id) &&
    typeof file.sha256 === 'string' &&
    hash.test(file.sha256) &&
    typeof file.crc32 === 'string' &&
    crc.test(file.crc32)
  );
}

/** The same members in the order in which they are written: the known ones, then the others by name. */
export function orderDescriptor(descriptor: FileDescriptor): FileDescriptor {
  if (isOrdered(descriptor)) return descriptor;
  const ordered: Record<string, unknown> = {};
  for (const name of names) {
    const member = descriptor[name as keyof FileDescriptor];
    if (member !== undefined) ordered[name] = inOrder(member);
  }
  const others = Object.keys(descriptor).filter((name) => !Object.hasOwn(members, name));
  if (others.length === 0) return ordered as unknown as FileDescriptor;
  const entries = others.sort().map((name) => [name, inOrder(descriptor[name as keyof FileDescriptor])]);
  // Not assigned: a member may be named "__proto__".
  return Object.fromEntries([...Object.entries(ordered), ...entries]) as FileDescriptor;
}

/** True for what staging has made, and for what most databases return. False says nothing. */
function isOrdered(descriptor: FileDescriptor): boolean {
  let place = -1;
  for (const name in descriptor) {
    const next = names.indexOf(name, place + 1);
    const member = descriptor[name as keyof FileDescriptor];
    if (next < 0 || member === undefined || typeof member === 'object') return false;
    place = next;
  }
  return true;
}

/**
 * Reads a descriptor. The same members give the same text, in whatever order a database returns them. Throws
 * `invalid_descriptor`.
 */
export function parseDescriptor(value: unknown): FileDescriptor {
  return orderDescriptor(checkDescriptor(value));
}

/** A copy of JSON whose members are sorted by name, at any depth. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const sorted = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, member]) => [name, inOrder(member)]));
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && time.test(value) && !Number.isNaN(Date.parse(value));
}

function isKey(value: unknown): boolean {
  try {
    return checkKey(value as string) === value;
  } catch (error) {
    if (isFileFieldError(error, 'invalid_key')) return false;
    throw error;
  }
}

/** A value in a message, without what may be a secret. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `a text of ${value.length} characters` : (JSON.stringify(value) ?? 'absent');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable('it is not JSON', cause);
  }
}

function unreadable(reason: string, cause?: unknown): FileFieldError {
  return new FileFieldError('invalid_descriptor', `A file column holds a value that cannot be read: ${reason}.`, {
    cause,
  });
}
