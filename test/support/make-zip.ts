import { crc32, deflateRawSync } from 'node:zlib';

/** How `makeZip` writes an archive. */
export interface ZipLayout {
  /** Sizes behind the data, as programs write that do not know them before; long ones have 8 bytes. */
  readonly descriptors?: 'signed' | 'unsigned' | 'long' | 'long unsigned';
  /** Stored, not deflated. */
  readonly store?: boolean;
  /** The comment at the end. */
  readonly comment?: string;
}

/** A zip archive with the entries in this order. */
export function makeZip(
  entries: readonly (readonly [name: string, content: string | Buffer])[],
  { descriptors, store = false, comment = '' }: ZipLayout = {},
): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let position = 0;
  for (const [name, content] of entries) {
    const raw = Buffer.from(content);
    const data = store ? raw : deflateRawSync(raw);
    const sizes = numbers([crc32(raw), data.byteLength, raw.byteLength]);
    // Version, flags, method, time, date.
    const fields = words([20, descriptors ? 8 : 0, store ? 0 : 8, 0, 0x21]);
    const path = Buffer.from(name);
    const header = [
      Buffer.from('PK\u0003\u0004', 'latin1'),
      fields,
      descriptors ? Buffer.alloc(12) : sizes,
      words([path.byteLength, 0]),
      path,
    ];
    const long = numbers([crc32(raw), data.byteLength, 0, raw.byteLength, 0]);
    const descriptor = [
      Buffer.from(descriptors?.endsWith('unsigned') ? '' : 'PK\u0007\u0008', 'latin1'),
      descriptors?.startsWith('long') ? long : sizes,
    ];
    const entry = Buffer.concat([...header, data, ...(descriptors ? descriptor : [])]);
    central.push(
      Buffer.from('PK\u0001\u0002', 'latin1'),
      words([20]),
      fields,
      sizes,
      words([path.byteLength, 0, 0, 0, 0, 0, 0]),
      numbers([position]),
      path,
    );
    local.push(entry);
    position += entry.byteLength;
  }
  const directory = Buffer.concat(central);
  const end = [
    Buffer.from('PK\u0005\u0006', 'latin1'),
    words([0, 0, entries.length, entries.length]),
    numbers([directory.byteLength, position]),
    words([comment.length]),
    Buffer.from(comment, 'latin1'),
  ];
  return Buffer.concat([...local, directory, ...end]);
}

function words(values: readonly number[]): Buffer {
  return Buffer.from(Uint16Array.from(values).buffer);
}

function numbers(values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
