import { randomUUID } from 'node:crypto';
import fs, { promises as fsp } from 'node:fs';
import path from 'node:path';
import { FileFieldError, type FileFieldErrorCode } from '../errors.js';
import type { ByteRange } from '../file.js';
import type { ObjectInfo, ObjectReader, Storage, WriteOptions } from '../storage.js';

const chunkBytes = 256 * 1024;
const unfinished = '.filefield';

export interface DiskStorageOptions {
  /** Folder that holds the objects; made when the first is written. Relative paths start at the working directory. */
  readonly root: string;
  /**
   * Wait until the disk has the bytes before a write counts as done. Without it a power cut may take files whose rows
   * were committed.
   * @default true
   */
  readonly sync?: boolean;
}

/**
 * Keeps objects as files below one folder. A write goes to a temporary file, is flushed, gets its final name by a hard
 * link - which refuses a taken name - and the folder is flushed: a reader or a crash sees all of it or nothing.
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
  readonly #sync: boolean;

  constructor(options: DiskStorageOptions) {
    if (!options.root) throw new FileFieldError('invalid_option', 'DiskStorage needs a root folder.');
    this.root = path.resolve(options.root);
    this.#sync = options.sync ?? true;
  }

  localPath(key: string): string {
    return path.join(this.root, ...key.split('/'));
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectInfo> {
    const target = this.localPath(key);
    const temporary = path.join(this.root, unfinished, randomUUID());
    try {
      await this.#makeFolder(path.dirname(temporary));
      const size = await this.#fill(temporary, body, options.signal);
      await this.#makeFolder(path.dirname(target));
      await link(temporary, target);
      if (this.#sync) await syncFolder(path.dirname(target));
      return { size, modified: (await fsp.stat(target)).mtime };
    } catch (cause) {
      throw mapError(cause, 'write', key);
    } finally {
      await fsp.rm(temporary, { force: true });
    }
  }

  async read(key: string, range?: ByteRange): Promise<ObjectReader> {
    const fd = await open(this.localPath(key)).catch((cause: unknown) => {
      throw mapError(cause, 'read', key);
    });
    // Of an open descriptor this touches no disk; one hop to the thread pool less.
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) {
      fs.closeSync(fd);
      throw new FileFieldError('not_found', 'There is no such object: the name is a folder.', { key });
    }
    return new DiskReader(fd, { size: stats.size, modified: stats.mtime }, range);
  }

  async stat(key: string): Promise<ObjectInfo | null> {
    try {
      const stats = await fsp.stat(this.localPath(key));
      return stats.isFile() ? { size: stats.size, modified: stats.mtime } : null;
    } catch (cause) {
      const error = mapError(cause, 'stat', key);
      if (error.code === 'not_found') return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await fsp.unlink(this.localPath(key));
    } catch (cause) {
      const error = mapError(cause, 'delete', key);
      if (error.code !== 'not_found') throw error;
    }
  }

  async #fill(file: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number> {
    const handle = await fsp.open(file, 'wx', 0o640);
    let size = 0;
    try {
      for await (const chunk of body) {
        signal?.throwIfAborted();
        await handle.writeFile(chunk);
        size += chunk.byteLength;
      }
      signal?.throwIfAborted();
      if (this.#sync) await handle.sync();
      return size;
    } finally {
      await handle.close();
    }
  }

  /** Makes a folder and flushes every parent that got a new entry. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await fsp.mkdir(folder, { recursive: true });
    if (!first || !this.#sync) return;
    for (let made = folder; made.length >= first.length; made = path.dirname(made))
      await syncFolder(path.dirname(made));
  }
}

class DiskReader implements ObjectReader {
  #open = true;

  constructor(
    private readonly fd: number,
    readonly info: ObjectInfo,
    private readonly range?: ByteRange,
  ) {}

  read(buffer: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.fd, buffer, 0, buffer.byteLength, position, (error, bytes) => {
        if (error) reject(mapError(error, 'read'));
        else resolve(bytes);
      });
    });
  }

  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const end = this.range ? this.range.end + 1 : this.info.size;
    for (let position = this.range?.start ?? 0; position < end;) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
      const bytes = await this.read(buffer, position);
      if (bytes === 0)
        throw new FileFieldError('incomplete', 'A file on disk ended early: it was cut while it was read.');
      position += bytes;
      yield buffer.subarray(0, bytes);
    }
  }

  /** Synchronous: closing a descriptor that was only read touches no disk. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.fd);
  }
}

function open(file: string): Promise<number> {
  // Not blocking, so that a named pipe that somebody put there cannot hold a thread.
  const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
  return new Promise((resolve, reject) => {
    fs.open(file, flags, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

/** Gives a finished file its name, refusing a taken one; file systems without hard links get the next best. */
async function link(temporary: string, target: string): Promise<void> {
  try {
    await fsp.link(temporary, target);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(errno(error))) throw error;
    await (await fsp.open(target, 'wx')).close();
    await fsp.rename(temporary, target);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fsp.open(folder, 'r').catch((error: unknown) => {
    // Windows cannot open folders and needs no flush of them.
    if (process.platform === 'win32') return undefined;
    throw error;
  });
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

function errno(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

const codes: Readonly<Record<string, FileFieldErrorCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  EISDIR: 'not_found',
  ELOOP: 'not_found',
  EEXIST: 'already_exists',
  ENAMETOOLONG: 'invalid_key',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EFBIG: 'no_space',
};

function mapError(cause: unknown, action: string, key?: string): FileFieldError {
  if (cause instanceof FileFieldError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') {
    return new FileFieldError('aborted', 'The write was given up.', { key, cause });
  }
  let code = codes[errno(cause)] ?? 'storage_failed';
  // A parent of the new name is a file.
  if (action === 'write' && (code === 'not_found' || errno(cause) === 'ENOTDIR')) code = 'invalid_key';
  return new FileFieldError(code, `The disk could not ${action} an object (${errno(cause) || 'unknown error'}).`, {
    key,
    cause,
  });
}
