import { promisify } from 'node:util';
import { inflateRaw, type ZlibOptions } from 'node:zlib';
import { peekInto, type Content, type Peek } from './content.js';
import { mimetypeTypes, packageOfEntries, packageType } from './office.js';

/** One file of an archive, as its header says (APPNOTE.TXT 4.3.7 and 4.3.12). */
interface Entry {
  readonly name: string;
  /** 0 is stored, 8 is deflated. */
  readonly method: number;
  /** Bytes of its data in the archive. */
  readonly size: number;
  /** Where its local header begins. */
  readonly position: number;
}

interface Listing {
  readonly entries: readonly Entry[];
  /** False if there may be more entries. */
  readonly complete: boolean;
}

const signatures = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 };
/** The most that is read of the directory or of one entry, compressed or not. */
const maximumBytes = 1024 * 1024;
/** The end record has 22 bytes, and a comment of up to 64 KiB. */
const endBytes = 22 + 0xffff;

/** The type of a zip archive: that of the document or program in it, else `application/zip`. */
export async function zipType(content: Content): Promise<string> {
  const peek = peekInto(content);
  const { head, size } = content;
  const inReach = size !== undefined && (content.readAt !== undefined || size <= head.byteLength);
  const { entries, complete } = (inReach && (await readDirectory(peek, size))) || walk(head);
  return (await typeOf(entries, complete, peek)) ?? 'application/zip';
}

async function typeOf(entries: readonly Entry[], complete: boolean, peek: Peek): Promise<string | undefined> {
  const names = new Set(entries.map(({ name }) => name));
  // Programs first: an archive that is a program and a document is a program.
  if (names.has('META-INF/mozilla.rsa')) return 'application/x-xpinstall';
  if (isAndroidPackage(names)) return 'application/vnd.android.package-archive';
  if (names.has('META-INF/MANIFEST.MF')) return 'application/java-archive';
  const read = async (name: string) => {
    const entry = entries.find((one) => one.name === name);
    return entry && (await readEntry(entry, peek));
  };
  const contentTypes = await read('[Content_Types].xml');
  if (contentTypes !== undefined) return packageType(contentTypes);
  const mimetype = (await read('mimetype'))?.trim().toLowerCase();
  if (mimetype !== undefined && mimetypeTypes.has(mimetype)) return mimetype;
  return complete ? undefined : packageOfEntries([...names]);
}

function isAndroidPackage(names: ReadonlySet<string>): boolean {
  if (names.has('AndroidManifest.xml')) return !names.has('classes.jar');
  return [...names].some((name) => /^classes\d*\.dex$/.test(name));
}

/** The entries that the directory at the end lists; undefined if there is none that can be read. */
async function readDirectory(peek: Peek, size: number): Promise<Listing | undefined> {
  const tail = await peek(Math.max(0, size - endBytes), Math.min(size, endBytes));
  for (let at = tail.byteLength - 22; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== signatures.end) continue;
    if (at + 22 + tail.readUInt16LE(at + 20) !== tail.byteLength) continue;
    const [length, position] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    const directory = await peek(position, Math.min(length, maximumBytes));
    const entries = listDirectory(directory);
    return entries.length > 0 ? { entries, complete: length <= maximumBytes } : undefined;
  }
  return undefined;
}

function listDirectory(directory: Buffer): readonly Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + 46 <= directory.byteLength && directory.readUInt32LE(at) === signatures.central;) {
    const end = at + 46 + directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, end),
      method: directory.readUInt16LE(at + 10),
      size: directory.readUInt32LE(at + 20),
      position: directory.readUInt32LE(at + 42),
    });
    at = end + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** The entries whose headers are in the head, one after the other: all that can be known of a stream. */
function walk(head: Buffer): Listing {
  const entries: Entry[] = [];
  let at: number | undefined = 0;
  while (at !== undefined && signatureAt(head, at) === signatures.local && at + 30 <= head.byteLength) {
    const position: number = at;
    const start = startOfData(head, position);
    const isStreamed = (head.readUInt16LE(position + 6) & 8) !== 0;
    at = isStreamed ? headerAfterDescriptor(head, start) : start + head.readUInt32LE(position + 18);
    entries.push({
      name: head.toString('utf8', position + 30, position + 30 + head.readUInt16LE(position + 26)),
      method: head.readUInt16LE(position + 8),
      // With a descriptor it is a few bytes too many, which inflating ignores.
      size: at === undefined ? Infinity : at - start,
      position,
    });
  }
  return { entries, complete: at !== undefined && signatureAt(head, at) === signatures.central };
}

/**
 * The header after an entry whose size stands behind its data, in a descriptor of 12 to 24 bytes (APPNOTE.TXT 4.3.9). Data
 * may contain what looks like a header, so the size in the descriptor must fit.
 */
function headerAfterDescriptor(head: Buffer, start: number): number | undefined {
  for (let at = start + 12; (at = head.indexOf('PK', at, 'latin1')) >= 0; at += 1) {
    const signature = signatureAt(head, at);
    if (signature !== signatures.local && signature !== signatures.central) continue;
    const size = head.readUInt32LE(at - 8);
    if (size === at - 16 - start || size === at - 12 - start) return at;
    const longSize = head.readUInt32LE(Math.max(0, at - 16));
    if (longSize === at - 24 - start || longSize === at - 20 - start) return at;
  }
  return undefined;
}

/** The text of an entry; undefined if it is out of reach, too large, or damaged. */
async function readEntry({ method, size, position }: Entry, peek: Peek): Promise<string | undefined> {
  const header = await peek(position, 30);
  if (size > maximumBytes || header.byteLength < 30 || signatureAt(header, 0) !== signatures.local) return undefined;
  const data = await peek(position + startOfData(header, 0), size);
  if (data.byteLength < size) return undefined;
  if (method === 0) return data.toString('utf8');
  if (method !== 8) return undefined;
  try {
    return (await inflate(data, { maxOutputLength: maximumBytes })).toString('utf8');
  } catch {
    // The bytes are the client's: what cannot be inflated is an archive that says nothing about itself.
    return undefined;
  }
}

const inflate = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw);

function signatureAt(bytes: Buffer, at: number): number | undefined {
  return at + 4 <= bytes.byteLength ? bytes.readUInt32LE(at) : undefined;
}

function startOfData(bytes: Buffer, at: number): number {
  return at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
}
