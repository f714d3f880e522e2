import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { type FrontName } from 'filefield';
import { until } from '../adapters/server.js';

/** How a front is started. */
interface Program {
  readonly name: string;
  /** Debian packages. */
  readonly packages: string;
  readonly configuration: string;
  readonly arguments: (run: string) => readonly string[];
  /** A file that must exist besides the program. */
  readonly needs?: string;
}

const programs: Readonly<Record<FrontName, Program>> = {
  nginx: {
    name: 'nginx',
    packages: 'nginx-light',
    configuration: 'nginx.conf',
    arguments: (run) => ['-p', run, '-c', 'nginx.conf', '-e', 'error.log'],
  },
  apache: {
    name: 'apache2',
    packages: 'apache2 libapache2-mod-xsendfile',
    configuration: 'apache.conf',
    arguments: (run) => ['-f', `${run}/apache.conf`, '-DFOREGROUND'],
    needs: '/usr/lib/apache2/modules/mod_xsendfile.so',
  },
  lighttpd: {
    name: 'lighttpd',
    packages: 'lighttpd',
    configuration: 'lighttpd.conf',
    arguments: (run) => ['-D', '-f', `${run}/lighttpd.conf`],
  },
  caddy: {
    name: 'caddy',
    packages: 'caddy',
    configuration: 'Caddyfile',
    arguments: (run) => ['run', '--config', `${run}/Caddyfile`, '--adapter', 'caddyfile'],
  },
};

const folders = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

function executable({ name }: Program): string | undefined {
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** False, with a warning, if a server is not installed. Throws in CI, where it must be. */
export function haveFront(server: FrontName): boolean {
  const program = programs[server];
  if (executable(program) && (!program.needs || existsSync(program.needs))) return true;
  const missing = `${server} is not installed (Debian: ${program.packages})`;
  if (process.env.CI) throw new Error(missing);
  console.warn(`*** SKIPPED: ${missing}; its suites do not run ***`);
  return false;
}

export interface RunningFront {
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Starts a server in the foreground with a standalone configuration for the folder `run`; resolves once it listens. */
export async function startFront(server: FrontName, run: string, text: string, port: number): Promise<RunningFront> {
  const program = programs[server];
  const ids = unprivilegedIds();
  mkdirSync(run, { recursive: true });
  writeFileSync(path.join(run, program.configuration), text);
  if (ids) chownSync(run, ids.uid, ids.gid);
  chmodSync(run, 0o755);
  const child = spawn(executable(program)!, program.arguments(run), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: run, XDG_DATA_HOME: run, XDG_CONFIG_HOME: run },
    // The others change to www-data themselves.
    ...(server === 'caddy' && ids),
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => running.delete(child));
  const log = () => output + (existsSync(`${run}/error.log`) ? readFileSync(`${run}/error.log`, 'utf8') : '');
  try {
    let listening = false;
    await until(
      () => {
        void listens(port).then((accepted) => (listening ||= accepted));
        return listening || child.exitCode !== null;
      },
      `${server} listened`,
      15_000,
    );
    if (!listening) throw new Error(`exit code ${child.exitCode}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${server} did not start:\n${log()}`, { cause: error });
  }
  return {
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    },
  };
}

/** If the tests run as root: the account www-data, which cannot read all files. */
function unprivilegedIds(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(spawnSync('id', [flag, 'www-data']).stdout.toString());
  return { uid: id('-u'), gid: id('-g') };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
