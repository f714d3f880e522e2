import { closeSync, openSync } from 'node:fs';
import { flush } from './new-file.js';

/**
 * Flushes folders, so that names made in them survive a power cut. Concurrent flushes of one folder are combined: each
 * caller waits for a flush that began after its call, and only one runs at a time.
 */
export class FolderFlush {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Resolves once the folder is flushed. */
  flush(folder: string): Promise<void> {
    const running = this.#running.get(folder);
    if (!running) return this.#begin(folder);
    // The flush that is running may have begun before the caller made its name.
    const waiting = this.#next.get(folder);
    if (waiting) return waiting;
    const next = running
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(folder);
        return this.#begin(folder);
      });
    this.#next.set(folder, next);
    return next;
  }

  #begin(folder: string): Promise<void> {
    const work = flushFolder(folder).finally(() => {
      if (this.#running.get(folder) === work) this.#running.delete(folder);
    });
    this.#running.set(folder, work);
    return work;
  }
}

async function flushFolder(folder: string): Promise<void> {
  // Windows cannot open folders, and does not need to flush them.
  if (process.platform === 'win32') return;
  // Synchronous: a name has just been made in the folder, so the kernel has it in memory.
  const fd = openSync(folder, 'r');
  try {
    await flush(fd);
  } finally {
    closeSync(fd);
  }
}
