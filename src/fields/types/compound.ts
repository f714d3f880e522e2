import { peekInto, type Content, type Peek } from './content.js';
import { namedType } from './named.js';

// The stream that each format keeps in the root storage.
const streams: ReadonlyMap<string, string> = new Map([
  ['WordDocument', 'application/msword'],
  ['Workbook', 'application/vnd.ms-excel'],
  ['Book', 'application/vnd.ms-excel'],
  ['PowerPoint Document', 'application/vnd.ms-powerpoint'],
  ['__properties_version1.0', 'application/vnd.ms-outlook'],
  ['VisioDocument', 'application/vnd.visio'],
]);

/** The types of compound files that are told apart. */
export const compoundTypes: ReadonlySet<string> = new Set(streams.values());

/** What a compound file is if its directory names none of these, such as an installer or an encrypted document. */
export const otherCompound = 'application/x-cfb';

/**
 * The type of a compound file, the container of the formats of Office before 2007, told by its directory. If that is out of
 * reach, as in a stream of more than 256 KiB, the name chooses: browsers run and display none of these types.
 */
export async function compoundType(content: Content): Promise<string> {
  const directory = await readDirectory(peekInto(content));
  const type = directory && typeOf(directory);
  if (type !== undefined) return type;
  const named = await namedType(content.name);
  return compoundTypes.has(named) ? named : otherCompound;
}

const entryBytes = 128;
/** An entry of the directory that is not there ([MS-CFB] 2.6.1). */
const none = 0xffffffff;
/** The most sectors of the directory that are read; the streams of a document are among the first. */
const maximumSectors = 128;

/** The directory, or as much of it as is read; undefined if its beginning is out of reach. */
async function readDirectory(peek: Peek): Promise<Buffer | undefined> {
  const header = await peek(0, 512);
  if (header.byteLength < 512) return undefined;
  const sectorBytes = header.readUInt16LE(0x1e) === 12 ? 4096 : 512;
  const sectors: Buffer[] = [];
  for (let sector: number | undefined = header.readUInt32LE(0x30); sector !== undefined;) {
    const bytes = await peek((sector + 1) * sectorBytes, sectorBytes);
    if (bytes.byteLength < sectorBytes) break;
    sectors.push(bytes);
    sector = sectors.length < maximumSectors ? await nextSector(peek, header, sector, sectorBytes) : undefined;
  }
  return sectors.length > 0 ? Buffer.concat(sectors) : undefined;
}

/** The sector that follows in a chain ([MS-CFB] 2.3); undefined at its end, and where the table is out of reach. */
async function nextSector(
  peek: Peek,
  header: Buffer,
  sector: number,
  sectorBytes: number,
): Promise<number | undefined> {
  const perTable = sectorBytes / 4;
  const table = Math.floor(sector / perTable);
  // The header has the places of the first 109 tables: they cover 7 MiB, or 436 MiB with large sectors.
  if (table >= 109) return undefined;
  const place = header.readUInt32LE(0x4c + 4 * table);
  const entry = await peek((place + 1) * sectorBytes + 4 * (sector % perTable), 4);
  const next = entry.byteLength === 4 ? entry.readUInt32LE() : none;
  return next < 0xfffffffa ? next : undefined;
}

/**
 * The type of the first known stream of the root storage: a document in a document has streams further down. Undefined if
 * there is none in the part of the directory that was read.
 */
function typeOf(directory: Buffer): string | undefined {
  // The first entry of a directory is the root storage.
  if (directory[0x42] !== 5) return undefined;
  const seen = new Set<number>();
  let complete = true;
  const waiting = [directory.readUInt32LE(0x4c)];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const at = id * entryBytes;
    if (id === none || seen.has(id)) continue;
    seen.add(id);
    if (at + entryBytes > directory.byteLength) {
      complete = false;
      continue;
    }
    const nameBytes = Math.min(64, directory.readUInt16LE(at + 0x40));
    const type = streams.get(directory.toString('utf16le', at, at + Math.max(0, nameBytes - 2)));
    if (type !== undefined) return type;
    waiting.push(directory.readUInt32LE(at + 0x44), directory.readUInt32LE(at + 0x48));
  }
  return complete ? otherCompound : undefined;
}
