import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const KiB = 2 ** 10;
export const MiB = 2 ** 20;
export const GiB = 2 ** 30;

/** A folder of its own. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'filefield-bench-'));

  /** Writes random bytes; a gigabyte has holes only. */
  file(name: string, size: number): string {
    const file = path.join(this.path, name);
    writeFileSync(file, size < GiB ? randomFillSync(Buffer.alloc(size)) : '');
    if (size >= GiB) truncateSync(file, size);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
