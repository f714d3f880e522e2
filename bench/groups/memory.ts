import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Group, OpenGroup, Sample, Settings, Side } from '../lib/compare.js';
import { residentMemory } from '../lib/cpu.js';
import { Folder, GiB } from '../lib/folder.js';
import { head } from '../lib/load.js';
import { Program } from '../lib/program.js';
import { headersOf } from '../lib/served.js';

const note = 'stat, then createReadStream piped to the response';

/** Downloads of a gigabyte by clients that read 64 KiB a second. */
export const memoryGroup: Group = { name: 'memory', title: 'Memory that slow clients take', rounds: 3, open };

async function open({ quick }: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  folder.file('1g.bin', GiB);
  folder.file('1k.bin', 1024);
  const rows = (quick ? [64] : [64, 256]).map((readers) => {
    const side = (name: string, way: string) =>
      slowReaders({ name, way, readers, root: folder.path, seconds: quick ? 3 : 15 });
    const sides = { ours: side('storage view', 'storage'), peer: side('a stream', 'stream') };
    // At most 0.6 times the memory.
    return { name: `memory/${readers}`, unit: 'MiB', target: 1.67, note, ...sides };
  });
  return { rows, close: async () => folder[Symbol.dispose]() };
}

interface Readers {
  readonly name: string;
  readonly way: string;
  readonly readers: number;
  readonly root: string;
  readonly seconds: number;
}

/** The cost is the most memory that a new process took, above what it took after a few requests. */
function slowReaders({ name, way, readers, root, seconds }: Readers): Side {
  const sample = async (): Promise<Sample> => {
    const program = await Program.start('servers/node', [root]);
    const port = program.ready.port as number;
    for (let index = 0; index < 20; index += 1) await headersOf(port, `/${way}/1k.bin`);
    const idle = residentMemory(program.pid);
    const sockets = Array.from({ length: readers }, () => slowReader(port, `/${way}/1g.bin`));
    let most = 0;
    for (let tenths = 0; tenths < seconds * 10; tenths += 1) {
      await delay(100);
      most = Math.max(most, residentMemory(program.pid));
    }
    if (sockets.some((socket) => socket.destroyed)) throw new Error(`${name}: a slow client was disconnected.`);
    for (const socket of sockets) socket.destroy();
    await program.stop();
    return { cost: most - idle };
  };
  return { name, warm: async () => undefined, sample };
}

/** Reads 8 KiB eight times a second. */
function slowReader(port: number, path: string): Socket {
  const onread = { buffer: Buffer.alloc(8 * 1024), callback: () => false };
  const socket = connect({ port, host: '127.0.0.1', onread });
  socket.write(head('GET', path, {}));
  const timer = setInterval(() => socket.resume(), 125);
  socket.once('close', () => clearInterval(timer));
  return socket;
}
