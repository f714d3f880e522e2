import { once } from 'node:events';
import { promises as fsp } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gunzipSync } from 'node:zlib';
import type { Files, Storage, StoredFile } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { filesFor, Letter } from '../support/fields.js';
import { until } from '../adapters/server.js';

const bytes = Buffer.from(Array.from({ length: 1_000_003 }, (_, at) => at % 251));
let folder: string;
beforeAll(async () => void (folder = await fsp.mkdtemp(path.join(tmpdir(), 'filefield-'))));
afterAll(() => fsp.rm(folder, { recursive: true }));

const storages: Readonly<Record<string, () => Storage>> = {
  disk: () => new DiskStorage({ root: folder, sync: false }),
  memory: () => new MemoryStorage(),
};

const webBytes = async (stream: ReadableStream<Uint8Array>) => Buffer.from(await new Response(stream).arrayBuffer());
const nodeBytes = async (stream: Readable) => Buffer.concat((await stream.toArray()) as Buffer[]);

describe.each(Object.entries(storages))('the streams of a file in the %s storage', (_name, storage) => {
  let files: Files;
  let file: StoredFile;
  beforeAll(async () => {
    files = filesFor({}, Object.assign(storage(), { volatile: true })).files;
    file = await files.stage(Letter, 'file', bytes);
  });
  afterEach(() => until(() => descriptorsBelow(folder) === 0, 'the file is closed'));

  it('have the bytes, or a range of them', async () => {
    expect(bytes.equals(await nodeBytes(file.stream()))).toBe(true);
    expect(bytes.equals(await webBytes(file.webStream()))).toBe(true);
    const range = { start: 250, end: 300_000 };
    const part = bytes.subarray(250, 300_001);
    expect(part.equals(await nodeBytes(file.stream(range)))).toBe(true);
    expect(part.equals(await webBytes(file.webStream(range)))).toBe(true);
  });

  it('are of a file that is located where its storage has a path for it', async () => {
    const { localPath } = file;
    const located = await file.locate();
    if (localPath === undefined) expect(located).toBeUndefined();
    else expect(located).toMatchObject({ path: localPath, size: bytes.byteLength });
  });

  it('count bytes, not chunks, as what waits to be read', () => {
    expect(file.stream().readableObjectMode).toBe(false);
  });

  it('give chunks that belong to the reader', async () => {
    for await (const chunk of file.stream()) (chunk as Buffer).fill(0);
    for await (const chunk of file.webStream()) chunk.fill(0);
    expect(bytes.equals(await file.bytes())).toBe(true);
  });

  it('are taken by pipeline, a response, a transform and another upload', async () => {
    const server = createServer((_request, response: ServerResponse) => void file.stream().pipe(response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(bytes.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
    server.close();
    const gzip = createGzip();
    const zipped: Buffer[] = [];
    await pipeline(file.stream(), gzip, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) zipped.push(chunk);
    });
    expect(bytes.equals(gunzipSync(Buffer.concat(zipped)))).toBe(true);
    for (const source of [file.stream(), file.webStream()]) {
      expect(bytes.equals(await (await files.stage(Letter, 'file', source)).bytes())).toBe(true);
    }
  });

  it('close the file when they are left early, and open none when nobody reads', async () => {
    for await (const chunk of file.stream()) if ((chunk as Buffer).byteLength > 0) break;
    for await (const chunk of file.webStream()) if (chunk.byteLength > 0) break;
    const half = file.stream();
    await once(half, 'readable');
    half.destroy();
    await file.webStream().cancel();
    file.stream().destroy();
    file.stream();
    file.webStream();
  });

  it('fail as open does when the bytes are gone', async () => {
    const { key } = file.toDescriptor();
    await file.origin!.delete(key);
    await expect(file.stream().toArray()).rejects.toMatchObject({ code: 'missing' });
    await expect(file.webStream().getReader().read()).rejects.toMatchObject({ code: 'missing' });
  });
});
