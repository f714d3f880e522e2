import { FileFieldError } from '../errors.js';
import { checkKey } from './key.js';

/**
 * The JSON in a file column: all that serving needs, so that loading a row costs no I/O and no join.
 * `v` is the version of this shape; readers refuse versions they do not know.
 */
export interface FileDescriptor {
  readonly v: 1;
  /** Identity in the ledger. */
  readonly id: string;
  /** Name of a storage in the registry. */
  readonly storage: string;
  readonly key: string;
  /** The uploader's name for it, cleaned. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly type: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** ISO 8601, UTC. */
  readonly modified: string;
}

const texts = ['id', 'storage', 'key', 'name', 'type', 'sha256', 'modified'] as const;

/** Reads a descriptor out of a column, given as JSON text or as an object. Throws `invalid_descriptor`. */
export function parseDescriptor(value: unknown): FileDescriptor {
  const found = typeof value === 'string' ? parseJson(value) : value;
  if (typeof found !== 'object' || found === null) throw invalid('it is not an object');
  const record = found as Record<string, unknown>;
  if (record.v !== 1) {
    throw invalid(`its version is ${JSON.stringify(record.v)}, this release reads version 1; upgrade filefield`);
  }
  for (const name of texts) {
    if (typeof record[name] !== 'string') throw invalid(`its "${name}" is not a text`);
  }
  if (!Number.isSafeInteger(record.size) || (record.size as number) < 0)
    throw invalid('its "size" is not a byte count');
  const descriptor = record as unknown as FileDescriptor;
  checkKey(descriptor.key);
  const { v, id, storage, key, name, size, type, sha256, modified } = descriptor;
  return { v, id, storage, key, name, size, type, sha256, modified };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
}

function invalid(reason: string, cause?: unknown): FileFieldError {
  return new FileFieldError('invalid_descriptor', `A file column holds a value that cannot be read: ${reason}.`, {
    cause,
  });
}
