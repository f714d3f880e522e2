import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { Program } from './program.js';

// Debian keeps it where only root looks.
process.env.PATH = `${process.env.PATH}:/usr/sbin`;

/**
 * One worker of nginx, with its files in a folder. Undefined where nginx is not installed.
 *
 * @param configure the configuration for a port
 */
export async function startNginx(
  folder: string,
  configure: (port: number) => string,
): Promise<{ readonly program: Program; readonly port: number } | undefined> {
  if (spawnSync('nginx', ['-v']).error) {
    console.error('nginx is not installed; its rows are left out.');
    return undefined;
  }
  const port = await freePort();
  writeFileSync(path.join(folder, 'nginx.conf'), configure(port));
  const line = ['nginx', '-p', folder, '-c', 'nginx.conf', '-e', path.join(folder, 'error.log')];
  return { program: await Program.startCommand(line, () => isListening(port)), port };
}

/** The configuration of a server that does nothing but send the files of a folder. */
export const fileServer = (root: string) => (port: number) => `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid nginx.pid;
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port};
    root ${root};
  }
}
`;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
