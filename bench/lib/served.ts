import { setTimeout as delay } from 'node:timers/promises';
import type { Sample, Settings, Side } from './compare.js';
import { head, Load, type Request } from './load.js';
import type { Program } from './program.js';

export interface Downloads {
  readonly name: string;
  readonly program: Program;
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
    await delay(seconds * 1000);
    const after = { time: performance.now(), cpu: program.cpu, done: doneBy(load) };
    await load.close();
    const done = after.done - before.done;
    if (done === 0) throw new Error(`${name}: no response to ${path} in ${seconds} s.`);
    return { cost: (after.cpu - before.cpu) / done, rate: (done * 1000) / (after.time - before.time) };
  };
  const doneBy = (load: Load) => (perMegabyte ? load.bytes / 1e6 : load.responses);
  return { name, warm: () => warm(request, connections), sample: () => run(settings.seconds) };
}

/** Requests until the functions of the server are compiled, but no longer than two seconds. */
async function warm(request: Request, connections: number): Promise<void> {
  const load = await Load.open(request, connections);
  await Promise.race([load.complete(3000), delay(2000)]);
  await load.close();
}

/** The headers of a response to a GET. */
export async function headersOf(port: number, path: string, status = 200): Promise<Headers> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
  await response.body?.cancel();
  if (response.status !== status) throw new Error(`${path} answered ${response.status} instead of ${status}.`);
  return response.headers;
}
