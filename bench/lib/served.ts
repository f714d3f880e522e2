import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sample, Settings, Side } from './compare.js';
import { head, Load, type Request } from './load.js';
import type { Program } from './program.js';

export interface Downloads {
  readonly name: string;
  /** What runs: its processor time is measured. */
  readonly program: Program | Pick<Program, 'cpu'>;
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default 200 */
  readonly status?: number;
  /** @default 32 */
  readonly connections?: number;
  /** Whether the cost is that of a megabyte, not that of a request. */
  readonly perMegabyte?: boolean;
}

/** Requests for one file, over connections that stay open. The cost is the time that the server has run, in µs. */
export function downloads(options: Downloads, settings: Settings): Side {
  const { name, program, port, path, headers = {}, status = 200, connections = 32, perMegabyte } = options;
  const text = Buffer.from(head('GET', path, headers), 'latin1');
  const request = { port, status, send: (socket: { write(bytes: Uint8Array): void }) => socket.write(text) };
  const run = async (seconds: number): Promise<Sample> => {
    const load = await Load.open(request, connections);
    load.start();
    // The first requests pay for the connections.
    await delay(50);
    const before = { time: performance.now(), cpu: program.cpu, done: doneBy(load) };
    // Longer on a busy machine: a few requests are no figure.
    const isEnough = () => doneBy(load) - before.done >= 20;
    for (let tries = 0; tries === 0 || (tries < 20 && !isEnough()); tries += 1) await delay(seconds * 1000);
    const after = { time: performance.now(), cpu: program.cpu, done: doneBy(load) };
    await load.close();
    const done = after.done - before.done;
    if (done === 0) throw new Error(`${name}: no response to ${path} in ${seconds} s.`);
    return { cost: (after.cpu - before.cpu) / done, rate: (done * 1000) / (after.time - before.time) };
  };
  const doneBy = (load: Load) => (perMegabyte ? load.bytes / 1e6 : load.responses);
  const sides = { warm: () => warm(request, connections, settings), sample: () => run(settings.seconds) };
  return { name, ...sides, ...('pid' in program && { program }) };
}

export interface Uploads {
  readonly name: string;
  readonly program: Program;
  readonly port: number;
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly connections: number;
  /** In a run. */
  readonly requests: number;
  /** Whether the cost is that of a megabyte, not that of a form. */
  readonly perMegabyte?: boolean;
}

/** Forms with one file, which the server answers with 204. */
export function uploads(options: Uploads): Side {
  const { name, program, port, path, size, connections, requests, perMegabyte } = options;
  const request = { port, status: 204, send: formSender(path, size) };
  const weight = perMegabyte ? size / 1e6 : 1;
  const run = async (count: number): Promise<Sample> => {
    const load = await Load.open(request, connections);
    const before = { time: performance.now(), cpu: program.cpu };
    await load.complete(count);
    const [cpu, seconds] = [program.cpu - before.cpu, (performance.now() - before.time) / 1000];
    await load.close();
    return { cost: cpu / count / weight, rate: (count * weight) / seconds };
  };
  return { name, program, warm: () => run(requests), sample: () => run(requests) };
}

/** Sends a large file piece by piece, when the last one has left. */
function formSender(path: string, size: number): Request['send'] {
  const boundary = 'ff-bench-boundary';
  const disposition = 'Content-Disposition: form-data; name="file"; filename="a.bin"';
  const start = `--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const end = `\r\n--${boundary}--\r\n`;
  const type = `multipart/form-data; boundary=${boundary}`;
  const first =
    head('POST', path, { 'Content-Type': type, 'Content-Length': start.length + size + end.length }) + start;
  const piece = randomBytes(Math.min(size, 2 ** 20));
  if (size === piece.length) {
    const whole = Buffer.concat([Buffer.from(first, 'latin1'), piece, Buffer.from(end, 'latin1')]);
    return (socket) => socket.write(whole);
  }
  return (socket) => {
    const next = (left: number): unknown =>
      left === 0
        ? socket.write(end)
        : socket.write(piece.subarray(0, left), () => next(Math.max(0, left - piece.length)));
    socket.write(first, 'latin1', () => next(size));
  };
}

/** Requests until the functions of the server are compiled, as far as that takes two seconds, or less than half a one. */
async function warm(request: Request, connections: number, { quick }: Settings): Promise<void> {
  const load = await Load.open(request, connections);
  await Promise.race([load.complete(quick ? 1000 : 3000), delay(quick ? 400 : 2000)]);
  await load.close();
}

/** The headers of a response to a GET. */
export async function headersOf(port: number, path: string, status = 200): Promise<Headers> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
  await response.body?.cancel();
  if (response.status !== status) throw new Error(`${path} answered ${response.status} instead of ${status}.`);
  return response.headers;
}
