import type { Group, OpenGroup, Row, Settings, Side } from '../lib/compare.js';
import { Folder, GiB, KiB, MiB } from '../lib/folder.js';
import { Program } from '../lib/program.js';
import { downloads, headersOf, type Downloads } from '../lib/served.js';

/** A request that the rows of a framework repeat. */
interface Task {
  readonly title: string;
  readonly file: string;
  readonly status?: 206 | 304;
  readonly perMegabyte?: true;
}

type TaskName = '1k' | '64k' | '1m' | '304' | 'range';

const tasks: Readonly<Record<TaskName, Task>> = {
  '1k': { title: '1 KiB', file: '1k.bin' },
  '64k': { title: '64 KiB', file: '64k.bin' },
  '1m': { title: '1 MiB', file: '1m.bin', perMegabyte: true },
  '304': { title: '304', file: '1k.bin', status: 304 },
  range: { title: '1 KiB of 1 GiB', file: '1g.bin', status: 206 },
};

const perRequest = { unit: 'µs', rateUnit: 'requests' };
const perMegabyte = { unit: 'µs/MB', rateUnit: 'MB' };

interface Comparison {
  /** Ways of this library, in the order of rows. */
  readonly ours: readonly string[];
  readonly peer: string;
  /** The least ratio of each task. */
  readonly targets: Readonly<Partial<Record<TaskName, number | undefined>>>;
  readonly note: string;
}

interface Framework {
  readonly title: string;
  /** As that of `Group`. */
  readonly onlyNamed?: boolean;
  /** The names of ways, where they differ from those in the URL. */
  readonly names?: Readonly<Record<string, string>>;
  readonly comparisons: readonly Comparison[];
  /** Two ways that must send the same headers. */
  readonly alike?: readonly [string, string];
}

const noteOfSend =
  'follows links out of the root; a client that stalls keeps its file open; neither Content-Disposition nor a policy against scripts';

const frameworks: Readonly<Record<string, Framework>> = {
  node: {
    title: 'node:http',
    names: { raw: 'raw server' },
    alike: ['storage', 'raw'],
    comparisons: [
      {
        ours: ['storage'],
        peer: 'raw',
        targets: { '1k': 0.85, '64k': 0.85 },
        note: 'the same headers, If-None-Match and ranges; no check of the name, no other condition, no error that is handled',
      },
      {
        ours: ['path'],
        peer: 'send',
        targets: { '1k': 1.1, '64k': 1.2, '1m': 1.5, '304': 1, range: 1 },
        note: noteOfSend,
      },
      {
        ours: ['storage'],
        peer: 'send',
        targets: { '1m': undefined, '304': undefined, range: undefined },
        note: noteOfSend,
      },
      {
        ours: ['path'],
        peer: 'sirv',
        targets: { '1k': undefined },
        note: 'reads the folder once when it starts: no stat per request, new files are not found',
      },
    ],
  },
  express: {
    title: 'Express 5',
    comparisons: [
      {
        ours: ['storage', 'path'],
        peer: 'sendFile',
        targets: { '1k': 1.6, '64k': 1.8, '1m': 2.2, '304': 2 },
        note: `as send: ${noteOfSend}`,
      },
    ],
  },
  fastify: {
    title: 'Fastify',
    names: { static: '@fastify/static' },
    comparisons: [
      {
        ours: ['storage', 'path'],
        peer: 'static',
        targets: { '1k': 2 },
        note: `as send: ${noteOfSend}`,
      },
    ],
  },
  koa: {
    title: 'Koa',
    names: { send: 'koa-send' },
    comparisons: [
      {
        ours: ['storage', 'path'],
        peer: 'send',
        targets: { '1k': 5 },
        note: 'neither ranges nor conditional requests nor an ETag',
      },
    ],
  },
  hono: {
    title: 'Hono on Node',
    onlyNamed: true,
    names: { static: 'serveStatic' },
    comparisons: [
      {
        ours: ['storage', 'path'],
        peer: 'static',
        targets: { '1k': undefined },
        note: 'statSync, which blocks all requests while a disk answers; no conditional requests, no ETag',
      },
    ],
  },
};

/** Whole files, conditional requests and ranges on every framework, beside its usual file server. */
export const servingGroups: readonly Group[] = Object.entries(frameworks).map(([name, framework]) => ({
  name,
  title: `Downloads on ${framework.title}`,
  ...(framework.onlyNamed && { onlyNamed: true }),
  open: (settings) => open(name, framework, settings),
}));

async function open(name: string, framework: Framework, settings: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  for (const [file, size] of [
    ['1k', KiB],
    ['64k', 64 * KiB],
    ['1m', MiB],
    ['1g', GiB],
  ] as const) {
    folder.file(`${file}.bin`, size);
  }
  const program = await Program.start(`servers/${name}`, [folder.path]);
  const port = program.ready.port as number;
  const close = async () => {
    await program.stop();
    folder[Symbol.dispose]();
  };
  if (framework.alike) await checkHeaders(port, framework.alike);
  const sides = new Map<string, Side>();
  const side = async (way: string, task: TaskName) => {
    const key = `${way}/${task}`;
    if (!sides.has(key)) {
      const label = framework.names?.[way] ?? way;
      sides.set(key, downloads({ name: label, program, port, ...(await request(port, way, tasks[task])) }, settings));
    }
    return sides.get(key)!;
  };
  const rows: Row[] = [];
  for (const { ours, peer, targets, note } of framework.comparisons) {
    for (const [task, target] of Object.entries(targets) as [TaskName, number | undefined][]) {
      for (const way of ours) {
        const both = { ours: await side(way, task), peer: await side(peer, task) };
        const units = tasks[task].perMegabyte ? perMegabyte : perRequest;
        rows.push({ name: `${name}/${way}/${task}/${peer}`, ...units, ...both, target, note });
      }
    }
  }
  return { rows, close };
}

/** What to send, and what to expect. */
async function request(
  port: number,
  way: string,
  { file, status, perMegabyte }: Task,
): Promise<Pick<Downloads, 'path'>> {
  const path = `/${way}/${file}`;
  if (status === 206) return { path, ...{ status, headers: { Range: 'bytes=536870912-536871935' } } };
  const found = await headersOf(port, path);
  if (status !== 304) return { path, ...{ perMegabyte } };
  return { path, ...{ status, headers: { 'If-None-Match': found.get('etag')! } } };
}

/** A server that sends less would be measured for less. */
async function checkHeaders(port: number, [one, other]: readonly [string, string]): Promise<void> {
  const names = async (way: string) => [...(await headersOf(port, `/${way}/1k.bin`)).keys()].join(' ');
  const [ours, theirs] = [await names(one), await names(other)];
  if (ours !== theirs) throw new Error(`The headers differ: ${one} sends ${ours}; ${other} sends ${theirs}.`);
}
