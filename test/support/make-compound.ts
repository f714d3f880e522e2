/** An entry of the directory of a compound file. */
export interface CompoundEntry {
  readonly name: string;
  /** 1 a storage, 2 a stream, 5 the root. */
  readonly kind: 1 | 2 | 5;
  readonly child?: number;
  readonly right?: number;
}

const sectorBytes = 512;
const none = 0xffffffff;

/** A compound file of version 3 ([MS-CFB]) with this directory, whose first sector is `place`; the sectors before are filled. */
export function makeCompound(entries: readonly CompoundEntry[], place = 1): Buffer {
  const sectors = Math.ceil(entries.length / 4);
  const tables = Math.ceil((place + sectors) / 128) + 1;
  // The tables of sectors come first, then what fills the file, then the directory.
  const first = Math.max(place, tables);
  const file = Buffer.alloc((1 + first + sectors) * sectorBytes, 0x20);
  file.fill(0, 0, sectorBytes);
  file.write('d0cf11e0a1b11ae1', 'hex');
  file.writeUInt16LE(9, 0x1e);
  file.writeUInt32LE(first, 0x30);
  for (let table = 0; table < 109; table += 1) file.writeUInt32LE(table < tables ? table : none, 0x4c + 4 * table);
  file.fill(0xff, sectorBytes, (1 + tables) * sectorBytes);
  for (let at = 0; at < sectors; at += 1) {
    const next = at + 1 < sectors ? first + at + 1 : 0xfffffffe;
    file.writeUInt32LE(next, sectorBytes + 4 * (first + at));
  }
  file.fill(0, (1 + first) * sectorBytes);
  for (const [index, { name, kind, child = none, right = none }] of entries.entries()) {
    const entry = file.subarray((1 + first) * sectorBytes + 128 * index);
    entry.write(name, 'utf16le');
    entry.writeUInt16LE(2 * name.length + 2, 0x40);
    entry.writeUInt8(kind, 0x42);
    entry.writeUInt32LE(none, 0x44);
    entry.writeUInt32LE(right, 0x48);
    entry.writeUInt32LE(child, 0x4c);
  }
  return file;
}

/** The directory of a document with one stream. */
export function directoryOf(stream: string): readonly CompoundEntry[] {
  return [
    { name: 'Root Entry', kind: 5, child: 1 },
    { name: stream, kind: 2 },
  ];
}
