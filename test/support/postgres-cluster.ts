import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const versions = '/usr/lib/postgresql';

/** A PostgreSQL server for one test, which the test may stop and start. */
export interface PostgresCluster {
  readonly port: number;
  /** `immediate` is a crash: connections break, and the next start recovers from the log. */
  stop(mode: 'fast' | 'immediate'): void;
  start(): void;
  /** Another server on a copy of the files: a snapshot of the volume, or a restored backup. It runs; this one must be stopped. */
  copy(): Promise<PostgresCluster>;
  remove(): void;
}

/** The folder of the server's programs; undefined if they are not installed. */
export function postgresPrograms(): string | undefined {
  const folders = existsSync(versions) ? readdirSync(versions).map((name) => path.join(versions, name, 'bin')) : [];
  return folders.find((folder) => existsSync(path.join(folder, 'initdb')));
}

export async function postgresCluster(programs: string): Promise<PostgresCluster> {
  const data = newFolder();
  run(programs, data, 'initdb', '-U', 'postgres', '-A', 'trust', '--no-sync');
  return clusterAt(programs, data);
}

// The server refuses to run as root.
const isRoot = process.getuid?.() === 0;

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'filefield-postgres-'));
  if (isRoot) {
    const [user, group] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'])));
    chownSync(folder, user!, group!);
  }
  return folder;
}

function run(programs: string, data: string, program: string, ...args: string[]): void {
  const command = [path.join(programs, program), '-D', data, ...args];
  const [file = '', ...rest] = isRoot ? ['runuser', '-u', 'postgres', '--', ...command] : command;
  execFileSync(file, rest, { stdio: 'ignore', cwd: data });
}

async function clusterAt(programs: string, data: string): Promise<PostgresCluster> {
  const port = await freePort();
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=30 -c fsync=off`;
  const start = () => run(programs, data, 'pg_ctl', '-w', '-l', path.join(data, 'log'), '-o', options, 'start');
  const stop = (mode: string) => run(programs, data, 'pg_ctl', '-w', '-m', mode, 'stop');
  start();
  return {
    port,
    start,
    stop,
    copy() {
      const copied = newFolder();
      execFileSync('cp', ['-a', `${data}/.`, copied]);
      // A copy of a server that crashed has the file by which it says that it runs.
      rmSync(path.join(copied, 'postmaster.pid'), { force: true });
      return clusterAt(programs, copied);
    },
    remove() {
      if (existsSync(path.join(data, 'postmaster.pid'))) stop('immediate');
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
