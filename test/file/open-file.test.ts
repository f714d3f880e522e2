import fsp from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { OpenFile } from '../../src/file/open-file.js';

const KiB = 1024;
let folder: string;
beforeAll(async () => (folder = await fsp.mkdtemp(path.join(os.tmpdir(), 'filefield-open-'))));
afterAll(() => fsp.rm(folder, { recursive: true }));

async function open(bytes: Uint8Array): Promise<{ readonly file: OpenFile; readonly at: string }> {
  const at = path.join(folder, randomBytes(8).toString('hex'));
  await fsp.writeFile(at, bytes);
  return { file: await OpenFile.at(at), at };
}

async function read(file: OpenFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file.chunks()) chunks.push(Buffer.from(chunk));
  file.close();
  return Buffer.concat(chunks);
}

describe('the chunks of an open file', () => {
  it.each([0, 1, 256 * KiB - 1, 256 * KiB, 256 * KiB + 1, 600 * KiB])('are all of its %d bytes', async (size) => {
    const bytes = randomBytes(size);
    expect((await read((await open(bytes)).file)).equals(bytes)).toBe(true);
  });

  it('are those of each file when many are read at once', async () => {
    const all = Array.from({ length: 40 }, (_, index) => Buffer.alloc(300 * KiB, index));
    const found = await Promise.all(all.map(async (bytes) => read((await open(bytes)).file)));
    expect(found.every((bytes, index) => bytes.equals(all[index]!))).toBe(true);
  });

  it.each([
    ['grows', (at: string) => fsp.appendFile(at, 'x')],
    ['shrinks', (at: string) => fsp.truncate(at, 100 * KiB)],
    ['is written to', (at: string) => fsp.utimes(at, 1, 1)],
  ])('end with incomplete if the file %s meanwhile', async (_what, change) => {
    const { file, at } = await open(Buffer.alloc(300 * KiB));
    const chunks = file.chunks();
    await chunks.next();
    await change(at);
    const rest = async () => {
      while (!(await chunks.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'incomplete' });
    file.close();
  });

  it('keep their memory if the reader leaves, who may still be writing them', async () => {
    const { file: left } = await open(Buffer.alloc(300 * KiB, 'a'));
    const chunks = left.chunks();
    const { value: kept } = await chunks.next();
    await chunks.return();
    left.close();
    for (let times = 0; times < 8; times += 1) await read((await open(Buffer.alloc(300 * KiB, 'b'))).file);
    expect(Buffer.from(kept!).equals(Buffer.alloc(kept!.byteLength, 'a'))).toBe(true);
  });
});
