import { rangeBody, type ByteRange } from '../../file/body.js';
import { OpenFile } from '../../file/open-file.js';
import type { ObjectBody, ObjectInfo } from '../../file/storage.js';

/** Bytes of the longest header that is read. */
const longestHeader = 4096;

/** What precedes the bytes of an object in its file: what the origin knows about it, in a line. */
export function headerOf(key: string, { size, modified, etag }: ObjectInfo): Buffer | undefined {
  const header = Buffer.from(`${JSON.stringify({ key, size, modified, etag })}\n`);
  return header.byteLength <= longestHeader ? header : undefined;
}

/** An object in the cache. */
export interface CachedFile {
  /** When it was last used, or shortly before. */
  readonly used: Date;
  /** The object, or one range of it. */
  body(range?: ByteRange): ObjectBody;
}

/** Opens the file of an object. Resolves to undefined for one that is damaged, or of another object. */
export async function openCached(path: string, key: string): Promise<CachedFile | undefined> {
  const file = await OpenFile.at(path);
  try {
    const found = await readHeader(file, key);
    if (found && file.size === found.offset + found.info.size) {
      const { info, offset } = found;
      const read = (buffer: Uint8Array, position: number) => file.read(buffer, offset + position);
      const body = (range: ByteRange = { start: 0, end: info.size - 1 }) => ({
        ...rangeBody(read, range, () => file.close()),
        info,
      });
      return { used: file.modified, body };
    }
  } catch (error) {
    file.close();
    throw error;
  }
  file.close();
  return undefined;
}

async function readHeader(file: OpenFile, key: string) {
  const start = Buffer.alloc(longestHeader);
  const length = await file.read(start, 0);
  const end = start.subarray(0, length).indexOf('\n');
  if (end < 0) return undefined;
  const header = parse(start.toString('utf8', 0, end));
  if (header?.key !== key || !Number.isSafeInteger(header.size)) return undefined;
  const info: ObjectInfo = {
    size: Number(header.size),
    ...(typeof header.modified === 'string' && { modified: new Date(header.modified) }),
    ...(typeof header.etag === 'string' && { etag: header.etag }),
  };
  return { offset: end + 1, info };
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
