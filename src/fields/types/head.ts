/** Bytes of an upload's beginning by which its type is judged, and which rules and checks may see. */
export const headBytes = 4100;

/** Bytes that are read ahead of a zip archive or a compound file, whose parts tell what it is. */
const containerBytes = 256 * 1024;

/** The beginning of an upload. */
export interface Head {
  /** At least the first 4100 bytes, up to 256 KiB of a container; fewer only if the upload has no more. A copy. */
  readonly head: Buffer;
  /** True if the upload has no more bytes than these. */
  readonly complete: boolean;
  /** What was read, to be put before the rest of the upload again. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * Reads as many bytes as recognition needs. What it holds is bounded by 256 KiB and one chunk, also if the source reuses
 * the memory of its chunks.
 */
export async function readHead(upload: AsyncIterator<Uint8Array>): Promise<Head> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let wanted = headBytes;
  let complete = false;
  while (bytes < wanted && !complete) {
    // The next chunk may be in the same memory as the last one.
    const last = chunks.pop();
    if (last) chunks.push(Buffer.from(last));
    const next = await upload.next();
    if (next.done) complete = true;
    else {
      chunks.push(next.value);
      bytes += next.value.byteLength;
      if (wanted === headBytes && isContainer(Buffer.concat(chunks, Math.min(bytes, 8)))) wanted = containerBytes;
    }
  }
  return { head: Buffer.concat(chunks, Math.min(bytes, wanted)), complete, chunks };
}

/** True for the first bytes of a zip archive. */
export function isZip(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'PK\u0003\u0004';
}

/** True for the first bytes of a compound file, the container of the old formats of Office ([MS-CFB] 2.2). */
export function isCompound(head: Buffer): boolean {
  return head.toString('hex', 0, 8) === 'd0cf11e0a1b11ae1';
}

function isContainer(start: Buffer): boolean {
  return isZip(start) || isCompound(start);
}
