import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { ServerAddress } from './databases.js';

/**
 * What happens to a COMMIT on its way: `lost` - it never arrives and the connection breaks; `unanswered` - it arrives, and
 * the connection breaks before the answer; `silent` - it arrives and no answer ever comes.
 */
export type CommitFate = 'lost' | 'unanswered' | 'silent';

export interface TcpProxy {
  readonly port: number;
  /** Of the next COMMIT that passes. */
  fate: CommitFate | undefined;
  /** How many met it. */
  readonly met: number;
  /** Breaks every connection: what a pool still holds is dead. */
  hangUp(): void;
  close(): Promise<void>;
}

const commit = Buffer.from('COMMIT');

/** Stands between an application and PostgreSQL, without encryption, and knows a COMMIT when it sees one. */
export async function tcpProxy({ host, port }: Pick<ServerAddress, 'host' | 'port'>): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let met = 0;
  const proxy = { fate: undefined as CommitFate | undefined };
  const server = createServer((client) => {
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    }
    let deaf = false;
    client.on('data', (chunk) => {
      const { fate } = proxy;
      if (!fate || !chunk.includes(commit)) return void upstream.write(chunk);
      proxy.fate = undefined;
      met += 1;
      deaf = true;
      if (fate === 'lost') {
        upstream.destroy();
        client.destroy();
        return;
      }
      upstream.write(chunk);
      // The answer is the proof that the server has committed.
      if (fate === 'unanswered') upstream.once('data', () => client.destroy());
    });
    upstream.on('data', (chunk) => {
      if (!deaf) client.write(chunk);
    });
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.defineProperties(proxy as TcpProxy, {
    port: { value: (server.address() as AddressInfo).port },
    met: { get: () => met },
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
