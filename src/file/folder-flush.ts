import { promises as fsp } from 'node:fs';

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
  const handle = await fsp.open(folder, 'r').catch((error: unknown) => {
    // Windows cannot open folders, and does not need to flush them.
    if (process.platform === 'win32') return undefined;
    throw error;
  });
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}
