import dgram from 'node:dgram';
import type { AddressInfo } from 'node:net';

/** A DNS server on the loopback interface. It gives the same IPv4 address for every name, valid for one second. */
export interface NameServer {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The IPv4 address of all names. */
  target: string;
  close(): void;
}

/** Starts a name server (RFC 1035). */
export async function startNameServer(target: string): Promise<NameServer> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const server: NameServer = {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    target,
    close: () => socket.close(),
  };
  socket.on('message', (message, from) => socket.send(reply(message, server.target), from.port, from.address));
  return server;
}

function reply(message: Buffer, target: string): Buffer {
  let end = 12;
  while (message[end] !== 0) end += message[end]! + 1;
  const isA = message.readUInt16BE(end + 1) === 1;
  const head = Buffer.from(message.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(isA ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  // The name is a pointer to the question; then type, class, time to live, length, address.
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...target.split('.').map(Number)]);
  return Buffer.concat([head, message.subarray(12, end + 5), isA ? answer : Buffer.alloc(0)]);
}
