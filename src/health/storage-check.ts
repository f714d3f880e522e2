import { promises as fsp } from 'node:fs';
import type { ByteRange } from '../file/body.js';
import type { Storage } from '../file/storage.js';
import { broken } from './broken.js';
import type { Check } from './check.js';
import { healthCheck, type WalkLink } from './health-check.js';
import { Probe } from './probe.js';
import { sameBytes } from './same-bytes.js';

/** A check of one storage; a storage that has one needs no other. */
export interface StorageCheck extends Check {
  readonly storage: Storage;
}

/**
 * Writes a probe of 300 KiB, looks for it, reads it and a range of it, finds it on the disk if the storage says that it is
 * there, and deletes it. Links: `write`, `stat`, `read`, `range`, `path`, `delete`. The probe's key is a random one below
 * `filefield-probe/`, and it is deleted whatever happens; only a process that is killed leaves one, which a reconcile
 * reports after a day.
 *
 * @example
 * ```ts
 * import { storageCheck } from 'filefield/health';
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const { ok, links } = await storageCheck(new DiskStorage({ root: 'var/documents' })).run();
 * ```
 */
export function storageCheck(storage: Storage): StorageCheck {
  const check = healthCheck(async (link, signal) => {
    const probe = new Probe(storage);
    try {
      await link('write', sentences.write, () => probe.write(signal));
      await readBack(link, storage, probe);
      await link('delete', sentences.delete, () => deleted(storage, probe));
    } finally {
      await probe.discard();
    }
  });
  return { ...check, storage };
}

const sentences = {
  write: 'The storage does not take a file: is it there, is there space, and may this process write to it?',
  stat: 'The storage does not find what was written to it a moment ago.',
  read: 'The storage does not give the bytes back that were written to it.',
  range: 'The storage does not read a part of a file: downloads cannot be resumed, and videos not be wound.',
  path: 'There is no such file under the path that the storage names: a server in front of it would find none either.',
  delete: 'The storage does not delete: what is replaced or removed will be left behind.',
} as const;

async function readBack(link: WalkLink, storage: Storage, probe: Probe): Promise<void> {
  const { key, bytes } = probe;
  await link('stat', sentences.stat, async () => {
    const info = await storage.stat(key);
    if (info?.size !== bytes.byteLength)
      throw broken(sentences.stat, new Error(`Its size is ${info?.size ?? 'unknown'}.`));
  });
  await link('read', sentences.read, () => read(storage, key, bytes, sentences.read));
  const range = { start: 100_000, end: 100_999 };
  const part = bytes.subarray(range.start, range.end + 1);
  await link('range', sentences.range, () => read(storage, key, part, sentences.range, range));
  const file = storage.localPath?.(key);
  if (file === undefined) return;
  await link('path', sentences.path, async () => {
    const { size } = await fsp.stat(file);
    if (size !== bytes.byteLength) throw broken(sentences.path, new Error(`${file} has ${size} bytes.`));
  });
}

async function read(storage: Storage, key: string, bytes: Buffer, fault: string, range?: ByteRange): Promise<void> {
  const reader = await storage.read(key, range);
  try {
    await sameBytes(reader.stream(), bytes, fault);
  } finally {
    reader.close();
  }
}

async function deleted(storage: Storage, probe: Probe): Promise<void> {
  await probe.delete();
  if ((await storage.stat(probe.key)) !== null)
    throw broken(sentences.delete, new Error('It is still there afterwards.'));
}
