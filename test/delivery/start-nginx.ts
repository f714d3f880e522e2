import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const program = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((file) => existsSync(file));

/** False, loudly, where nginx is not installed; an error in CI, where it must be. */
export function haveNginx(): boolean {
  if (program) return true;
  if (process.env.CI) throw new Error('nginx is not installed (package nginx-light)');
  console.warn('*** SKIPPED: nginx is not installed (package nginx-light); the hand-off to it was not tried ***');
  return false;
}

/** The configuration that docs/nginx.md shows, for other ports and another folder. */
export function documentedConfiguration(replace: Readonly<Record<string, string>>): string {
  let text = /```nginx\n([^]*?)```/.exec(readFileSync('docs/nginx.md', 'utf8'))?.[1] ?? '';
  for (const [shown, real] of Object.entries(replace)) {
    if (!text.includes(shown)) throw new Error(`docs/nginx.md does not mention ${shown}`);
    text = text.replaceAll(shown, real);
  }
  return text;
}

/**
 * Starts nginx with one server in a folder of its own; resolves once it listens. The user is whom its workers are, where
 * the test may say so.
 */
export async function startNginx(
  run: string,
  port: number,
  server: string,
  user = 'root',
): Promise<() => Promise<void>> {
  mkdirSync(run, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${run}/${name};`,
  );
  const config = path.join(run, 'nginx.conf');
  writeFileSync(
    config,
    // Workers of root must be told to stay root, or they could not read the test's files.
    `${process.getuid?.() === 0 ? `user ${user};` : ''} worker_processes 1; pid ${run}/nginx.pid;
    error_log ${run}/error.log; events { worker_connections 64; }
    http { access_log off; default_type application/octet-stream; ${temporary.join(' ')} ${server} }`,
  );
  const child = spawn(program!, ['-p', run, '-c', config, '-e', `${run}/error.log`, '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (const end = Date.now() + 10_000; !(await listens(port));) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`nginx did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
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
