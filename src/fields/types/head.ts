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
  /** What was read, to be put before the rest of the upload again; valid until more of it is read. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * Reads as many bytes as recognition needs. What it holds is bounded by 256 KiB and one chunk, also if the source reuses
 * the memory of its chunks.
 *
 * @param size bytes of an upload that fails if it has more or fewer: its end need not be seen
 */
export async function readHead(upload: AsyncIterator<Uint8Array>, size?: number): Promise<Head> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let wanted = headBytes;
  let complete = false;
  /** True if the only chunk is a copy already. */
  let isCopied = false;
  while (bytes < wanted && !complete) {
    // The next chunk may be in the same memory as the last one.
    const last = chunks.pop();
    if (last) chunks.push(Buffer.from(last));
    const next = await upload.next();
    if (next.done) {
      complete = true;
      isCopied = chunks.length === 1;
    } else {
      chunks.push(next.value);
      bytes += next.value.byteLength;
      if (wanted === headBytes && isContainer(joined(chunks, Math.min(bytes, 8)))) wanted = containerBytes;
      complete = bytes === size && bytes <= wanted;
    }
  }
  return { head: isCopied ? (chunks[0] as Buffer) : Buffer.concat(chunks, Math.min(bytes, wanted)), complete, chunks };
}

/** The first bytes of chunks, copied only where they are in several. */
function joined([first, ...others]: readonly Uint8Array[], bytes: number): Uint8Array {
  return first && first.byteLength >= bytes ? first.subarray(0, bytes) : Buffer.concat([first!, ...others], bytes);
}

const zip = Buffer.from('PK\u0003\u0004', 'latin1');
const compound = Buffer.from('d0cf11e0a1b11ae1', 'hex');

/** True for the first bytes of a zip archive. */
export function isZip(head: Uint8Array): boolean {
  return beginsWith(head, zip);
}

/** True for the first bytes of a compound file, the container of the old formats of Office ([MS-CFB] 2.2). */
export function isCompound(head: Uint8Array): boolean {
  return beginsWith(head, compound);
}

function beginsWith(head: Uint8Array, signature: Uint8Array): boolean {
  return head[0] === signature[0] && signature.every((byte, at) => head[at] === byte);
}

function isContainer(start: Uint8Array): boolean {
  return isZip(start) || isCompound(start);
}
