import fs from 'node:fs';

/** A file that is being made. Its name must be new, so that nothing is overwritten. */
export class NewFile {
  #flushed = false;

  private constructor(readonly fd: number) {}

  /** Creates a file. Rejects with the error of the system. */
  static create(path: string, mode: number): Promise<NewFile> {
    return new Promise((resolve, reject) => {
      fs.open(path, 'wx', mode, (error, fd) => (error ? reject(error) : resolve(new NewFile(fd))));
    });
  }

  /** Appends all bytes of a chunk. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.byteLength;) {
      written += await this.#write(written === 0 ? chunk : chunk.subarray(written));
    }
  }

  #write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.fd, bytes, 0, bytes.byteLength, null, (error, written) =>
        error ? reject(error) : resolve(written),
      );
    });
  }

  /** Resolves once the disk has the bytes. */
  async sync(): Promise<void> {
    await flush(this.fd);
    this.#flushed = true;
  }

  /** Size, time and owner, which need no disk while the file is open. */
  stat(): fs.Stats {
    return fs.fstatSync(this.fd);
  }

  /** Closes the file; call it once. A network file system sends the bytes now, unless they have been flushed. */
  close(): Promise<void> | void {
    if (this.#flushed) return fs.closeSync(this.fd);
    return new Promise((resolve, reject) => fs.close(this.fd, (error) => (error ? reject(error) : resolve())));
  }
}

/** Resolves once the disk has what was written to a file or folder. */
export function flush(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve())));
}
