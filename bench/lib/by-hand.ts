import { createHash, randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';

export interface Written {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * Writes a file as safely as `DiskStorage` does: hashed on its way to a temporary file, flushed, renamed, and the folder
 * flushed.
 */
export async function writeSafely(
  folder: string,
  body: AsyncIterable<Uint8Array> | readonly Uint8Array[],
): Promise<Written> {
  const target = path.join(folder, randomUUID());
  const temporary = `${target}.tmp`;
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(temporary, 'wx');
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      for (let at = 0; at < chunk.byteLength;) at += (await handle.write(chunk, at)).bytesWritten;
      size += chunk.byteLength;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, target);
  await flushFolder(folder);
  return { path: target, sha256: hash.digest('hex'), size };
}

export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
