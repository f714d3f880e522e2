import { promises as fsp } from 'node:fs';
import type { ByteRange } from '../file/body.js';
import type { Storage } from '../file/storage.js';
import { unhealthy, type Check } from './check-result.js';
import { healthCheck, type WalkLink } from './health-check.js';
import { expectBytes, Probe } from './probe.js';

/** A check of one storage. */
export interface StorageCheck extends Check {
  /** The storage; `filefield doctor` adds a check for each storage of the registry that no check has. */
  readonly storage: Storage;
}

/**
 * A check that writes a probe of 300 KiB to a storage, finds and reads it, and deletes it. Links: `write`, `stat`, `read`,
 * `range` (a part of it), `path` (the file on the disk, if the storage has `localPath`), `delete`.
 *
 * The key of the probe is random, below `filefield-probe/`. The probe is deleted even if a link fails. If the process is
 * killed, it stays, and a reconcile reports it after a day.
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
  const check = healthCheck(async (link, signal, notChecked) => {
    const probe = new Probe(storage);
    try {
      await link('write', sentences.write, () => probe.write(signal));
      await readBack(link, storage, probe);
      if (!storage.localPath) notChecked('path: the storage has no folder on this machine');
      await link('delete', sentences.delete, () => deleteProbe(storage, probe));
    } finally {
      await probe.discard();
    }
  });
  return { ...check, storage };
}

const sentences = {
  write: 'The storage does not accept a file: does it exist, has it space, and may this process write to it?',
  stat: 'The storage does not find a file that it has just accepted.',
  read: 'The storage does not return the bytes that were written.',
  range: 'The storage does not read a part of a file: clients cannot resume downloads or seek in videos.',
  path: 'The file is not at the path that the storage names: a server in front of the application cannot find it either.',
  delete: 'The storage does not delete files: those that are replaced or removed will be left behind.',
} as const;

async function readBack(link: WalkLink, storage: Storage, probe: Probe): Promise<void> {
  const { key, bytes } = probe;
  await link('stat', sentences.stat, async () => {
    const info = await storage.stat(key);
    if (info?.size !== bytes.byteLength)
      throw unhealthy(sentences.stat, new Error(`Its size is ${info?.size ?? 'unknown'}.`));
  });
  await link('read', sentences.read, () => read(storage, key, bytes, sentences.read));
  const range = { start: 100_000, end: 100_999 };
  const part = bytes.subarray(range.start, range.end + 1);
  await link('range', sentences.range, () => read(storage, key, part, sentences.range, range));
  const file = storage.localPath?.(key);
  if (file === undefined) return;
  await link('path', sentences.path, async () => {
    const { size } = await fsp.stat(file);
    if (size !== bytes.byteLength) throw unhealthy(sentences.path, new Error(`${file} has ${size} bytes.`));
  });
}

async function read(storage: Storage, key: string, bytes: Buffer, sentence: string, range?: ByteRange): Promise<void> {
  const body = await storage.read(key, range);
  try {
    await expectBytes(body.stream(), bytes, sentence);
  } finally {
    body.close();
  }
}

async function deleteProbe(storage: Storage, probe: Probe): Promise<void> {
  await probe.delete();
  if ((await storage.stat(probe.key)) !== null)
    throw unhealthy(sentences.delete, new Error('The file is still there after the deletion.'));
}
