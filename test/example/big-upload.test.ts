import { spawn, type ChildProcess } from 'node:child_process';
import { createCipheriv, createHash, type Hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { get, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { orms } from './start-application.js';

const bytes = 200 * 2 ** 20;
// Above the memory at the start, which depends on the ORM and on the order in which its code is compiled.
const maximumGrowth = 64 * 2 ** 20;
const chunk = Buffer.alloc(256 * 1024);
// The start of a PDF, which decides the type; the rest is noise, which cannot be compressed.
const magic = Buffer.from('%PDF-1.7\n');

let child: ChildProcess;
let data: string;
let url: string;

/** Starts the example as `npm run example` does, in a process whose memory is measured. */
async function start(orm: string): Promise<void> {
  data = await mkdtemp(path.join(tmpdir(), 'filefield-big-'));
  child = spawn(process.execPath, ['build/example.mjs', '--orm', orm, '--port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const address = /http:\/\/[\d.:]+/.exec(output);
      if (address) resolve(address[0]);
    });
    child.once('exit', (code) => reject(new Error(`the example ended with ${code}:\n${output}`)));
  });
}

afterEach(async () => {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  await rm(data, { recursive: true, force: true });
});

function* content(hash: Hash): Generator<Buffer> {
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16, 9));
  for (let sent = 0; sent < bytes;) {
    const next = noise.update(chunk.subarray(0, Math.min(chunk.byteLength, bytes - sent)));
    if (sent === 0) magic.copy(next);
    hash.update(next);
    sent += next.byteLength;
    yield next;
  }
}

/** Uploads a multipart form of known length, chunk by chunk. Returns the status. */
async function upload(hash: Hash): Promise<number> {
  const head = Buffer.from(
    '--b\r\nContent-Disposition: form-data; name="slug"\r\n\r\nbig\r\n' +
      '--b\r\nContent-Disposition: form-data; name="file"; filename="big.pdf"\r\nContent-Type: application/pdf\r\n\r\n',
  );
  const end = Buffer.from('\r\n--b--\r\n');
  const outgoing = request(`${url}/documents`, {
    method: 'POST',
    headers: {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': head.byteLength + bytes + end.byteLength,
    },
  });
  const responded = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.on('response', resolve).on('error', reject),
  );
  const body = function* () {
    yield head;
    yield* content(hash);
    yield end;
  };
  await pipeline(Readable.from(body()), outgoing);
  const response = await responded;
  response.resume();
  return response.statusCode!;
}

/** Downloads, and adds the bytes to the hash. Returns the status and the number of bytes. */
async function download(hash: Hash, range?: string): Promise<{ status: number; received: number }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(`${url}/documents/big/file`, { headers: range ? { range } : {} }, resolve).on('error', reject),
  );
  let received = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    hash.update(part);
    received += part.byteLength;
  }
  return { status: response.statusCode!, received };
}

function status(name: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) * 1024;
}

test.each(orms)(
  'the example with %s serves an upload of 200 MiB unchanged, whole and in ranges, with less than 64 MiB of memory',
  async (orm) => {
    await start(orm);
    const measurable = existsSync('/proc/self/status');
    const samples = measurable ? [status('VmRSS')] : [];
    const timer = setInterval(() => measurable && samples.push(status('VmRSS')), 50);
    try {
      const sent = createHash('sha256');
      expect(await upload(sent)).toBe(201);
      const expected = sent.digest('hex');

      const whole = createHash('sha256');
      expect(await download(whole)).toEqual({ status: 200, received: bytes });
      expect(whole.digest('hex')).toBe(expected);

      // The ends of the middle range are not multiples of any buffer size.
      const [first, second] = [50_000_001, 150_000_007];
      const parts = createHash('sha256');
      expect(await download(parts, `bytes=0-${first - 1}`)).toEqual({ status: 206, received: first });
      expect(await download(parts, `bytes=${first}-${second - 1}`)).toEqual({ status: 206, received: second - first });
      expect(await download(parts, `bytes=${second}-`)).toEqual({ status: 206, received: bytes - second });
      expect(parts.digest('hex')).toBe(expected);
    } finally {
      clearInterval(timer);
    }
    if (!measurable) return console.warn('Memory was NOT measured: this system has no /proc.');
    const peak = Math.max(...samples, status('VmHWM'));
    process.stderr.write(
      `200 MiB up and twice down with ${orm}: RSS ${mebibytes(samples[0]!)} at the start, ${mebibytes(peak)} at most\n`,
    );
    expect(peak - samples[0]!).toBeLessThan(maximumGrowth);
  },
  120_000,
);

function mebibytes(size: number): string {
  return `${Math.round(size / 2 ** 20)} MiB`;
}
