import fs from 'node:fs';
import { diskError } from './disk-error.js';
import { FileFieldError, type ErrorContext } from '../errors.js';
import { rangeBody, type ByteRange, type FileBody } from './body.js';

// Not blocking, so that a named pipe that somebody put there cannot hold a thread.
const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/**
 * A file that is open for reading: its size, its time and its bytes are of one and the same file, whatever happens to
 * the path meanwhile.
 */
export class OpenFile {
  #open = true;

  private constructor(
    private readonly fd: number,
    readonly size: number,
    readonly modified: Date,
  ) {}

  /** Rejects with `not_found` where there is no file, which a folder or a pipe is not. */
  static async at(path: string, context: ErrorContext = {}): Promise<OpenFile> {
    const fd = await new Promise<number>((resolve, reject) => {
      fs.open(path, flags, (error, opened) =>
        error ? reject(diskError(error, 'open a file', context)) : resolve(opened),
      );
    });
    try {
      // Of an open descriptor this touches no disk; one hop to the thread pool less.
      const stats = fs.fstatSync(fd);
      if (stats.isFile()) return new OpenFile(fd, stats.size, stats.mtime);
      throw new FileFieldError('not_found', 'There is no such file: the path is something else.', context);
    } catch (error) {
      fs.closeSync(fd);
      throw diskError(error, 'open a file', context);
    }
  }

  /** Fills `buffer` from `position` of the file; resolves to the bytes read, 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      // The number of a closed descriptor may by now belong to somebody else's file.
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

  /** Where the open file really is, links resolved; undefined when the path leads to another file by now. */
  async realPath(path: string): Promise<string | undefined> {
    // Linux knows of the very descriptor; elsewhere the path is resolved anew and must lead to the same file.
    const known = await fs.promises.readlink(`/proc/self/fd/${this.fd}`).catch(() => undefined);
    if (known !== undefined) return known;
    try {
      const real = await fs.promises.realpath(path);
      const [there, own] = [await fs.promises.stat(real, { bigint: true }), fs.fstatSync(this.fd, { bigint: true })];
      return there.dev === own.dev && there.ino === own.ino ? real : undefined;
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
