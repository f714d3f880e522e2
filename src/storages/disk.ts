import { createHash, randomUUID } from 'node:crypto';
import { fstatSync, promises as fsp, type Stats } from 'node:fs';
import path from 'node:path';
import { abortable, wasAborted } from '../file/abortable.js';
import { diskError, errno } from '../file/disk-error.js';
import { FileFieldError, isFileFieldError } from '../errors.js';
import type { ByteRange } from '../file/body.js';
import { checkKey, unfinishedFolder } from '../file/key.js';
import { OpenFile } from '../file/open-file.js';
import { FolderFlush } from '../file/folder-flush.js';
import { flush, NewFile } from '../file/new-file.js';
import type { ListedObject, ObjectBody, ObjectInfo, Storage, TakenFile, WriteOptions } from '../file/storage.js';

/** Where a `DiskStorage` keeps its objects, and how safely. */
export interface DiskStorageOptions {
  /** Folder of the objects; created by the first write. A relative path is resolved against the working directory. */
  readonly root: string;
  /**
   * Whether a write waits until the disk has the bytes. Without it a power cut may lose files whose rows were committed.
   * @default true
   */
  readonly sync?: boolean;
}

/**
 * Keeps objects as files below one folder. A write goes to a temporary file, is flushed, gets its final name by a hard
 * link, which fails if the name is taken, and the folder is flushed: readers and crashes see all bytes or nothing. What a
 * crash leaves in the folder `.filefield` is deleted with its key.
 *
 * @throws `invalid_option` without a root.
 *
 * @example
 * ```ts
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const documents = new DiskStorage({ root: 'var/documents' });
 * ```
 */
export class DiskStorage implements Storage {
  readonly root: string;
  /** The root with a separator. */
  readonly #base: string;
  readonly #sync: boolean;
  readonly #flush = new FolderFlush();
  /** Folders that exist as far as this process knows. */
  readonly #folders = new Set<string>();

  constructor(options: DiskStorageOptions) {
    if (!options.root) throw new FileFieldError('invalid_option', 'DiskStorage needs a root folder.');
    this.root = path.resolve(options.root);
    this.#base = this.root.endsWith(path.sep) ? this.root : this.root + path.sep;
    this.#sync = options.sync ?? true;
  }

  localPath(key: string): string {
    return this.#base + (path.sep === '/' ? checkKey(key) : checkKey(key).replaceAll('/', path.sep));
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    return this.#make(key, options, (made) => this.#fill(made, body, options.signal));
  }

  /**
   * Moves a file of the same file system that belongs to the user and group of written files and has no second name; it then
   * has the permissions of a written file.
   */
  async take(key: string, file: TakenFile, options: WriteOptions = {}): Promise<ObjectInfo | undefined> {
    return this.#make(key, options, async (made, temporary) => {
      const like = made.stat();
      await made.close();
      const moved =
        (await isLike(file.path, like)) && (await file.isAt(file.path)) && (await move(file.path, temporary));
      if (!moved) return undefined;
      await file.measure();
      return this.#adopt(temporary, like.mode, file);
    });
  }

  /** Makes an object: the work fills a temporary file, which then gets its name, unless the work gives no object. */
  async #make<Info extends ObjectInfo | undefined>(
    key: string,
    options: WriteOptions,
    work: (made: NewFile, temporary: string) => Promise<Info>,
  ): Promise<Info> {
    const target = this.localPath(key);
    const unfinished = this.#base + unfinishedFolder;
    const temporary = `${unfinished}${path.sep}${nameOf(key)}.${randomUUID()}`;
    // An earlier failure matters more than a failure to delete the temporary file.
    const discard = () => fsp.unlink(temporary).catch(() => undefined);
    try {
      const made = await this.#within(unfinished, () => NewFile.create(temporary, 0o640));
      const info = await work(made, temporary);
      if (!info) {
        await discard();
        return info;
      }
      if (options.signal?.aborted) throw wasAborted(options.signal);
      const publish = () => this.#within(path.dirname(target), () => link(temporary, target));
      await publish().catch((cause: unknown) => {
        throw keyError(cause, key);
      });
      await Promise.all([this.#settle(target), discard()]);
      return info;
    } catch (cause) {
      await discard();
      throw writeError(cause, key, options.signal);
    }
  }

  async read(key: string, range?: ByteRange): Promise<ObjectBody> {
    const file = await OpenFile.at(this.localPath(key), { key });
    const { size, modified } = file;
    return Object.assign(file.body(range), { info: { size, modified } });
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    try {
      const stats = await fsp.stat(this.localPath(key));
      return stats.isFile() ? { size: stats.size, modified: stats.mtime } : null;
    } catch (cause) {
      const error = diskError(cause, 'look for an object', { key });
      if (error.code === 'not_found') return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    const target = this.localPath(key);
    await this.#deleteUnfinished(key);
    await remove(target, key);
  }

  /** Deletes what a killed process has left of this object; a write that is still running fails. */
  async #deleteUnfinished(key: string): Promise<void> {
    const folder = path.join(this.root, unfinishedFolder);
    const names = await fsp.readdir(folder).catch((cause: unknown) => {
      if (errno(cause) === 'ENOENT') return [];
      throw folderError(cause, 'delete an object', key);
    });
    for (const name of names) if (name.startsWith(`${nameOf(key)}.`)) await remove(path.join(folder, name), key);
  }

  async *list({ after = '' }: { after?: string } = {}): AsyncGenerator<ListedObject, void, undefined> {
    yield* this.#walk('', after);
  }

  /** Walks folder by folder, so that memory holds the names of one folder per level. */
  async *#walk(prefix: string, after: string): AsyncGenerator<ListedObject, void, undefined> {
    const folder = path.join(this.root, prefix);
    const entries = await fsp.readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      if (errno(cause) === 'ENOENT') return [];
      throw folderError(cause, 'list objects');
    });
    // With the slash, a folder sorts like the keys below it.
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
    for (const name of names) {
      const key = `${prefix}${name}`;
      if (name.startsWith('.')) continue;
      if (!name.endsWith('/')) {
        const info = key > after ? await this.stat(key) : null;
        if (info) yield { key, ...(info.modified && { modified: info.modified }) };
      } else if (key > after || after.startsWith(key)) yield* this.#walk(key, after);
    }
  }

  async #fill(made: NewFile, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ObjectInfo> {
    try {
      for await (const chunk of abortable(body, signal)) await made.write(chunk);
      if (this.#sync) await made.sync();
      return infoOf(made.stat());
    } finally {
      await made.close();
    }
  }

  /** Makes a moved file like one that was written now. */
  async #adopt(temporary: string, mode: number, file: TakenFile): Promise<ObjectInfo> {
    const handle = await fsp.open(temporary, 'r');
    try {
      if (!(await file.isAt(temporary))) {
        throw new FileFieldError('incomplete', 'The file was changed while it was moved into the storage.');
      }
      await handle.chmod(mode & 0o7777);
      const now = new Date();
      await handle.utimes(now, now);
      if (this.#sync) await flush(handle.fd);
      return infoOf(fstatSync(handle.fd));
    } finally {
      await handle.close();
    }
  }

  /** Flushes the folder of an object that has got its name; if that fails, the object is deleted again. */
  async #settle(target: string): Promise<void> {
    if (!this.#sync) return;
    try {
      await this.#flush.flush(path.dirname(target));
    } catch (error) {
      await fsp.rm(target, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** Does work that needs a folder, and creates the folder first if it is not known to exist. */
  async #within<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#folders.has(folder)) {
      try {
        return await work();
      } catch (error) {
        if (errno(error) !== 'ENOENT') throw error;
        this.#folders.delete(folder);
      }
    }
    for (let retried = false; ; retried = true) {
      await this.#makeFolder(folder);
      if (this.#folders.size > 1000) this.#folders.clear();
      this.#folders.add(folder);
      try {
        return await work();
      } catch (error) {
        // Another process, such as a health check that cleans up, may have removed the folder while it was empty.
        if (retried || errno(error) !== 'ENOENT') throw error;
      }
    }
  }

  /** Creates a folder and flushes every parent that got a new entry. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await fsp.mkdir(folder, { recursive: true }).catch(async (cause: unknown) => {
      throw await refusal(folder, cause);
    });
    if (!first || !this.#sync) return;
    for (let made = folder; made.length >= first.length; made = path.dirname(made)) {
      await this.#flush.flush(path.dirname(made));
    }
  }
}

/** Why a folder cannot be made: on a read-only file system Node says ENOENT if it is to make the parents, too. */
async function refusal(folder: string, cause: unknown): Promise<unknown> {
  const parent = path.dirname(folder);
  if (errno(cause) !== 'ENOENT' || parent === folder) return cause;
  const isThere = await fsp.stat(parent).then(
    () => true,
    () => false,
  );
  if (!isThere) return refusal(parent, cause);
  return fsp.mkdir(folder).then(
    () => cause,
    (error: unknown) => (errno(error) === 'EEXIST' ? cause : error),
  );
}

/** True for a file that has one name, and the user and group of another one. */
async function isLike(file: string, { uid, gid }: Stats): Promise<boolean> {
  const stats = await fsp.lstat(file);
  return stats.isFile() && stats.nlink === 1 && stats.uid === uid && stats.gid === gid;
}

/** Resolves to false if the file cannot be renamed, as to another file system; then its bytes can still be copied. */
async function move(from: string, to: string): Promise<boolean> {
  return fsp.rename(from, to).then(
    () => true,
    () => false,
  );
}

const infoOf = ({ size, mtime }: Stats): ObjectInfo => ({ size, modified: mtime });

/** The start of the names of a key's temporary files, of a fixed length. */
const nameOf = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 32);

async function remove(file: string, key: string): Promise<void> {
  try {
    await fsp.unlink(file);
  } catch (cause) {
    const error = diskError(cause, 'delete an object', { key });
    if (error.code !== 'not_found') throw error;
  }
}

function writeError(cause: unknown, key: string, signal?: AbortSignal): FileFieldError {
  if (isFileFieldError(cause)) return cause;
  // A body that fails because of the signal has an error of its own.
  if (signal?.aborted) return new FileFieldError('aborted', 'The write was aborted.', { key, cause });
  return folderError(cause, 'write an object', key);
}

/** Where a folder of the storage is missing or no folder, no object is: that is a failure of the storage. */
function folderError(cause: unknown, action: string, key?: string): FileFieldError {
  const context = { ...(key !== undefined && { key }), cause };
  const error = diskError(cause, action, context);
  return error.code === 'not_found' ? new FileFieldError('storage_failed', error.message, context) : error;
}

/** A disk cannot keep a key below another object: `a/b` where `a` is a file. */
function keyError(cause: unknown, key: string): unknown {
  const folder = typeof cause === 'object' && cause !== null && 'syscall' in cause && cause.syscall === 'mkdir';
  if (errno(cause) !== 'ENOTDIR' && !(folder && errno(cause) === 'EEXIST')) return cause;
  return new FileFieldError('invalid_key', 'A part of the key is the name of another object.', { key, cause });
}

/** Gives a finished file its name, and fails if the name is taken. File systems without hard links get the next best way. */
async function link(temporary: string, target: string): Promise<void> {
  try {
    await fsp.link(temporary, target);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(errno(error))) throw error;
    await (await fsp.open(target, 'wx')).close();
    await fsp.rename(temporary, target).catch(async (failure: unknown) => {
      await fsp.rm(target, { force: true });
      throw failure;
    });
  }
}
