import { FileFieldError } from '../errors.js';
import { checkKey } from './key.js';

/**
 * The JSON in a file column: everything that serving needs, so that loading a row costs no I/O and no join.
 */
export interface FileDescriptor {
  /** Version of this shape. Readers refuse versions that they do not know. */
  readonly v: 1;
  /** Identity in the ledger. */
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
  /** SHA-256 of the bytes, lower-case hexadecimal. */
  readonly sha256: string;
  /** When the bytes were stored: ISO 8601, UTC. */
  readonly modified: string;
}

const texts = ['id', 'storage', 'key', 'name', 'type', 'sha256', 'modified'] as const;

/** Reads a descriptor from a column, as JSON text or as an object. Throws `invalid_descriptor`. */
export function parseDescriptor(value: unknown): FileDescriptor {
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  if (typeof parsed !== 'object' || parsed === null) throw unreadable('it is not an object');
  const record = parsed as Record<string, unknown>;
  if (record.v !== 1) {
    throw unreadable(`its version is ${JSON.stringify(record.v)}, this release reads version 1; upgrade filefield`);
  }
  for (const name of texts) {
    if (typeof record[name] !== 'string') throw unreadable(`its "${name}" is not text`);
  }
  if (!Number.isSafeInteger(record.size) || (record.size as number) < 0)
    throw unreadable('its "size" is not a byte count');
  const descriptor = record as unknown as FileDescriptor;
  checkKey(descriptor.key);
  const { v, id, storage, key, name, size, type, sha256, modified } = descriptor;
  return { v, id, storage, key, name, size, type, sha256, modified };
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
