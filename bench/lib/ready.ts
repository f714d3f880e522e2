import type { AddressInfo, Server } from 'node:net';
import { serveProfiles } from './profile.js';

/** Tells the program that started this one that it can begin. Ends with it. */
export function ready(message: object): void {
  serveProfiles();
  process.on('disconnect', () => process.exit());
  process.send!(message);
}

/** Listens on a free port, and is ready then. */
export function readyServer(server: Server, message: object = {}): void {
  server.listen(0, '127.0.0.1', () => ready({ ...message, port: (server.address() as AddressInfo).port }));
}
