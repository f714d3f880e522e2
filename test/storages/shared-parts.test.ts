import { createHash } from 'node:crypto';
import { partsOf } from '../../src/storages/shared/part.js';
import { sizeOfPart } from '../../src/storages/shared/part-size.js';
import { inUtf16Order, listedAfter } from '../../src/storages/shared/utf16-order.js';

const MiB = 2 ** 20;
const TiB = 2 ** 40;

async function* chunks(...sizes: number[]) {
  for (const size of sizes) yield Buffer.alloc(size, size % 251);
}

describe('the parts of an object of S3', () => {
  it.each([5, 8, 64, 1024])('hold 5 TiB in 10,000 parts of unknown length that start with %d MiB', (smallest) => {
    let total = 0;
    for (let number = 1; number <= 10_000; number += 1) {
      const size = sizeOfPart(number, smallest * MiB);
      expect(size).toBeLessThan(4 * 1024 * MiB);
      total += size;
    }
    expect(total).toBeGreaterThanOrEqual(5 * TiB);
    expect(sizeOfPart(800, smallest * MiB)).toBe(smallest * MiB);
  });

  it('have one size, as small as possible, if the length is known', () => {
    expect(sizeOfPart(1, 5 * MiB, 40 * 1024 * MiB)).toBe(5 * MiB);
    expect(sizeOfPart(9, 5 * MiB, 5 * TiB)).toBe(525 * MiB);
    expect(525 * MiB * 10_000).toBeGreaterThanOrEqual(5 * TiB);
  });

  it('have the bytes and checksums of the body, wherever its chunks end', async () => {
    for (const sizes of [[0], [1], [10], [9, 1, 1], [25], [3, 0, 17], [5, 5], [10, 10], []]) {
      for (const total of [undefined, 0]) {
        const parts = [];
        const sizeOf = (number: number) => sizeOfPart(number, 10, total);
        for await (const part of partsOf(chunks(...sizes), sizeOf, () => createHash('md5'), total)) parts.push(part);
        const expected: Buffer[] = [];
        for await (const chunk of chunks(...sizes)) expected.push(chunk);
        expect(Buffer.concat(parts.map(({ bytes }) => bytes))).toEqual(Buffer.concat(expected));
        expect(parts.map(({ last }) => last)).toEqual([...Array<boolean>(parts.length - 1).fill(false), true]);
        expect(parts.slice(0, -1).every(({ bytes }) => bytes.byteLength === 10)).toBe(true);
        for (const { bytes, digest } of parts) {
          expect(digest).toBe(createHash('md5').update(bytes).digest('base64'));
        }
      }
    }
  });
});

describe('the order of keys', () => {
  // Characters of which each pair of neighbours is compared differently by some rule.
  const alphabet = ['a', 'é', '\uD7FF', '\uE000', '～', '😀', '\u{10FFFF}'];
  const keys = alphabet.flatMap((one) => alphabet.flatMap((two) => [one, one + two, `${one}${two}/${one}`]));
  const byBytes = [...new Set(keys)].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  const ours = [...byBytes].sort();

  async function listing(after: string): Promise<string[]> {
    async function* pages() {
      for (const key of byBytes) {
        if (Buffer.compare(Buffer.from(key), Buffer.from(listedAfter(after))) > 0) yield { key };
      }
    }
    const listed: string[] = [];
    for await (const { key } of inUtf16Order(pages())) if (key > after) listed.push(key);
    return listed;
  }

  it('is that of UTF-16 code units after any key, from a listing in the order of bytes', async () => {
    expect(byBytes).not.toEqual(ours);
    for (const after of ['', ...ours, 'a/', 'zz']) {
      expect({ after, listed: await listing(after) }).toEqual({ after, listed: ours.filter((key) => key > after) });
    }
  });
});
