import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { ServerAddress } from './databases.js';

/**
 * What happens to a COMMIT: `lost` - it never arrives, and the connection breaks; `unanswered` - it arrives, and the
 * connection breaks before the response; `silent` - it arrives, and no response is forwarded.
 */
export type CommitFate = 'lost' | 'unanswered' | 'silent';

export interface TcpProxy {
  readonly port: number;
  /** Applies to the next COMMIT only; without it, a COMMIT passes. */
  fate: CommitFate | undefined;
  /** The number of COMMITs that had a fate. */
  readonly commits: number;
  /** Breaks every connection, also idle ones of a pool. */
  hangUp(): void;
  close(): Promise<void>;
}

const commit = Buffer.from('COMMIT');

/** A proxy between an application and PostgreSQL, without encryption, that recognises a COMMIT. */
export async function tcpProxy({ host, port }: Pick<ServerAddress, 'host' | 'port'>): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let commits = 0;
  const proxy = { fate: undefined as CommitFate | undefined };
  const server = createServer((client) => {
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    }
    let silent = false;
    client.on('data', (chunk) => {
      const { fate } = proxy;
      if (!fate || !chunk.includes(commit)) return void upstream.write(chunk);
      proxy.fate = undefined;
      commits += 1;
      silent = true;
      if (fate === 'lost') {
        upstream.destroy();
        client.destroy();
        return;
      }
      upstream.write(chunk);
      // The response proves that the server has committed.
      if (fate === 'unanswered') upstream.once('data', () => client.destroy());
    });
    upstream.on('data', (chunk) => {
      if (!silent) client.write(chunk);
    });
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.defineProperties(proxy as TcpProxy, {
    port: { value: (server.address() as AddressInfo).port },
    commits: { get: () => commits },
    hangUp: { value: () => sockets.forEach((socket) => socket.destroy()) },
    close: {
      value: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        }),
    },
  });
}
