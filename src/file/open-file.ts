import fs from 'node:fs';
import { FileFieldError, isFileFieldError, type ErrorContext } from '../errors.js';
import { BufferPool } from './buffer-pool.js';
import { rangeBody, type ByteRange, type FileBody } from './body.js';
import { diskError, errno } from './disk-error.js';
import type { LocatedFile } from './file.js';

/** Looks for a file without opening it. Rejects with `not_found` for a path that is missing, a folder, or a pipe. */
export async function locateFile(path: string): Promise<LocatedFile> {
  const stats = await fs.promises.stat(path).catch((cause: unknown) => {
    throw diskError(cause, 'look for a file');
  });
  if (!stats.isFile()) throw notAFile();
  return { path, size: stats.size, modified: stats.mtime };
}

// Non-blocking: opening a named pipe must not hold a thread of the pool.
const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/** For uploads of local files, of which a few run at once. */
const pool = new BufferPool({ bufferBytes: 256 * 1024, crowd: 8, smallBytes: 64 * 1024, keepSmall: 8 });

/**
 * A file that is open for reading. Its size, time and bytes belong to the same file, even if the path is replaced
 * meanwhile.
 */
export class OpenFile {
  #open = true;

  private constructor(
    private readonly fd: number,
    readonly size: number,
    readonly modified: Date,
  ) {}

  /** Opens a file. Rejects with `not_found` for a path that is missing, a folder, or a pipe. */
  static at(path: string, context?: ErrorContext): Promise<OpenFile> {
    return OpenFile.#at(path, flags, context);
  }

  /** As `at`; undefined if the last part of the path is a symbolic link, or if this system cannot tell. */
  static async unlessLink(path: string): Promise<OpenFile | undefined> {
    const { O_NOFOLLOW: noLink } = fs.constants as { readonly O_NOFOLLOW?: number };
    if (noLink === undefined) return undefined;
    try {
      return await OpenFile.#at(path, flags | noLink);
    } catch (error) {
      if (isFileFieldError(error) && errno(error.cause) === 'ELOOP') return undefined;
      throw error;
    }
  }

  static #at(path: string, how: number, context?: ErrorContext): Promise<OpenFile> {
    return new Promise((resolve, reject) => {
      fs.open(path, how, (error, fd) => {
        if (error) return reject(diskError(error, 'open a file', context));
        try {
          resolve(OpenFile.#of(fd, context));
        } catch (failure) {
          fs.closeSync(fd);
          reject(diskError(failure, 'open a file', context));
        }
      });
    });
  }

  static #of(fd: number, context: ErrorContext | undefined): OpenFile {
    // fstat of an open descriptor touches no disk, so it needs no thread of the pool.
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) throw notAFile(context);
    return new OpenFile(fd, stats.size, stats.mtime);
  }

  /** Fills `buffer` from `position` of the file. Resolves to the number of bytes read; 0 means the end. */
  read(buffer: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      // The number of a closed descriptor may belong to another file by now.
      if (!this.#open) return reject(new FileFieldError('storage_failed', 'A file was read after it was closed.'));
      fs.read(this.fd, buffer, 0, buffer.byteLength, position, (error, bytes) => {
        if (error) reject(diskError(error, 'read a file'));
        else resolve(bytes);
      });
    });
  }

  /**
   * All bytes or one range as a body.
   *
   * @param close called at the end of the body; by default it closes the file
   */
  body(range: ByteRange = { start: 0, end: this.size - 1 }, close: () => void = () => this.close()): FileBody {
    return rangeBody((buffer, position) => this.read(buffer, position), range, close);
  }

  /**
   * All bytes in order, in memory that is used again for the next chunk. Fails with `incomplete` if the file was written to
   * since it was opened, or has more bytes than its size.
   */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const buffer = pool.take();
    let isUnused = false;
    try {
      for (let position = 0, ended = false; !ended;) {
        // One byte more than there should be: the last read sees the end as well.
        const part = buffer.subarray(0, this.size - position + 1);
        const bytes = await this.read(part, position);
        position += bytes;
        ended = bytes < part.byteLength && (bytes === 0 || position >= this.size);
        if (position > this.size || (ended && position < this.size)) throw changed();
        if (bytes > 0) yield part.subarray(0, bytes);
      }
      if (!this.isUnchanged()) throw changed();
      isUnused = true;
    } finally {
      // Who left early may still be writing the last chunk.
      if (isUnused) pool.recycle(buffer);
      else pool.discard(buffer);
    }
  }

  /** True if the path, not followed if it is a symbolic link, leads to this very file. */
  async isAt(path: string): Promise<boolean> {
    const found = await fs.promises.lstat(path, { bigint: true }).catch((error: unknown) => {
      if (errno(error) === 'ENOENT') return undefined;
      throw diskError(error, 'look for a file');
    });
    const own = fs.fstatSync(this.fd, { bigint: true });
    return found?.dev === own.dev && found.ino === own.ino;
  }

  /** False once something has written to the file since it was opened. */
  isUnchanged(): boolean {
    const { size, mtime } = fs.fstatSync(this.fd);
    return size === this.size && mtime.getTime() === this.modified.getTime();
  }

  /** The path of the open file with symbolic links resolved; undefined if the path leads to another file by now. */
  realPath(path: string): string | undefined | Promise<string | undefined> {
    if (process.platform !== 'linux') return this.#resolved(path);
    try {
      // Linux knows the path of a descriptor, without a disk. Elsewhere the path is resolved again.
      return fs.readlinkSync(`/proc/self/fd/${this.fd}`);
    } catch {
      return this.#resolved(path);
    }
  }

  /** The path with its links resolved, if it leads to this file. */
  async #resolved(path: string): Promise<string | undefined> {
    try {
      const real = await fs.promises.realpath(path);
      const atPath = await fs.promises.stat(real, { bigint: true });
      const opened = fs.fstatSync(this.fd, { bigint: true });
      return atPath.dev === opened.dev && atPath.ino === opened.ino ? real : undefined;
    } catch {
      return undefined;
    }
  }

  /** Safe to call twice. Synchronous: closing a descriptor that was only read touches no disk. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.fd);
  }
}

function changed(): FileFieldError {
  return new FileFieldError('incomplete', 'The file was changed while it was read.');
}

function notAFile(context?: ErrorContext): FileFieldError {
  return new FileFieldError('not_found', 'There is no such file: the path is not a regular file.', context);
}
