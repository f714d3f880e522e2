import { promises as fsp } from 'node:fs';
import { isFileFieldError } from '../errors.js';
import type { Files } from '../fields/files.js';
import type { ByteRange } from '../file/body.js';
import type { Storage } from '../file/storage.js';
import { unhealthy, type Check } from './check-result.js';
import { healthCheck, type WalkLink } from './health-check.js';
import { expectBytes, Probe } from './probe.js';

/** Options of `storageCheck`. */
export interface StorageCheckOptions {
  /**
   * What `attachFiles` returned: the check then first asks whether the storage is the one that this database uses, and writes
   * nothing if it is another one, as when a volume is not mounted.
   * @default none
   */
  readonly files?: Files;
}

/** A check of one storage. */
export interface StorageCheck extends Check {
  /** The storage; `filefield doctor` adds a check for each storage of the registry that no check has. */
  readonly storage: Storage;
}

/**
 * A check that writes a probe of 300 KiB to a storage, finds and reads it, and deletes it. Links: `marker` (with the option
 * `files`), `write`, `stat`, `read`, `range` (a part of it), `path` (the file on the disk, if the storage has `localPath`),
 * `delete`.
 *
 * The key of the probe is random, below `filefield-probe/`. The probe is deleted even if a link fails, and so are
 * the folders that were made for it. If the process is
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
export function storageCheck(storage: Storage, options: StorageCheckOptions = {}): StorageCheck {
  const check = healthCheck(async (link, signal, notChecked) => {
    const probe = new Probe(storage);
    const { files } = options;
    if (files?.ledger.fence) await link('marker', sentences.marker, () => lookForMarker(storage, files));
    else if (files) notChecked('marker: the files have no ledger');
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
  marker:
    'The storage is not the one that the database of these files uses, so nothing was written: is the volume mounted, is the working directory that of the application?',
  write: 'The storage does not accept a file: does it exist, has it space, and may this process write to it?',
  stat: 'The storage does not find a file that it has just accepted.',
  read: 'The storage does not return the bytes that were written.',
  range: 'The storage does not read a part of a file: clients cannot resume downloads or seek in videos.',
  path: 'The file is not at the path that the storage names: a server in front of the application cannot find it either.',
  delete: 'The storage does not delete files: those that are replaced or removed will be left behind.',
} as const;

/** Rejects if the ledger's marker is missing. Other failures are those of the links that follow, or of a `ledgerCheck`. */
async function lookForMarker(storage: Storage, { storages, ledger }: Files): Promise<void> {
  const isThis = (other: Storage) => other === storage || (other.root !== undefined && other.root === storage.root);
  for (const name of storages.names.filter((one) => isThis(storages.resolve(one)))) {
    if (storage.volatile) continue;
    await ledger.fence?.look(name).catch((error: unknown) => {
      if (isFileFieldError(error, 'wrong_storage')) throw error;
    });
  }
}

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
