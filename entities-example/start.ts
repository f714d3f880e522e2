import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { frontConfiguration, storagePlaces, type FrontName } from 'filefield';
import { localHosts } from './guard.js';
import { createApplication, type Application, type OrmName } from './application.js';
import { storageKinds, type StoragePlace } from './storages.js';

const fronts: readonly FrontName[] = ['nginx', 'apache', 'lighttpd', 'caddy'];
const usage = `npm run example -- [options]
  --orm typeorm|mikro   the ORM                              (typeorm)
  --port <number>       the port; 0 for any free port        (3000)
  --host <address>      the address to listen on             (127.0.0.1: this machine only)
  --name <host>         a host name under which clients ask, if it is not this machine's own; may be repeated
  --data <folder>       folder for database and files        (var/example)
  --storage <kind>      disk, s3, azure, google or database  (disk: a folder below --data)
  --endpoint <url>      the server of an s3 or google bucket, if it is not Amazon's or Google's
  --bucket <name>       of s3, azure or google; see docs/storages.md for credentials (filefield-example)
  --front <server>      nginx, apache, lighttpd or caddy sends the bytes; prints its configuration
  --help`;

interface Arguments {
  readonly orm: OrmName;
  readonly port: number;
  readonly host: string;
  readonly hosts: readonly string[];
  readonly data: string;
  readonly front?: FrontName;
  readonly storage: StoragePlace;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      orm: { type: 'string', default: 'typeorm' },
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      name: { type: 'string', multiple: true, default: [] },
      data: { type: 'string', default: 'var/example' },
      front: { type: 'string' },
      storage: { type: 'string', default: 'disk' },
      endpoint: { type: 'string' },
      bucket: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const orm = values.orm.replace(/-orm$/, '');
  if (orm !== 'typeorm' && orm !== 'mikro') throw new Error(`--orm must be typeorm or mikro, not "${values.orm}".`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port must be a number from 0 to 65535, not "${values.port}".`);
  const front = fronts.find((name) => name === values.front);
  if (values.front !== undefined && !front)
    throw new Error(`--front must be one of ${fronts.join(', ')}, not "${values.front}".`);
  const kind = storageKinds.find((name) => name === values.storage);
  if (!kind) throw new Error(`--storage must be one of ${storageKinds.join(', ')}, not "${values.storage}".`);
  const { endpoint, bucket } = values;
  return {
    orm,
    port,
    host: values.host,
    hosts: [...localHosts, values.host, ...values.name],
    data: values.data,
    front,
    storage: { kind, ...(endpoint && { endpoint }), ...(bucket && { bucket }) },
  };
}

function listen(application: Application, { port, host }: Arguments): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = application.app.listen(port, host, (error) => (error ? reject(error) : resolve(server)));
    // By default Node ends a request after five minutes; an upload of a gigabyte may take longer.
    server.requestTimeout = 60 * 60_000;
  });
}

function explain(error: unknown, { port }: Arguments): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Choose another one: npm run example -- --port ${port + 1}`;
  if (code === 'EACCES') return `You have no permission to listen on port ${port}. Choose one above 1023.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function main(args: Arguments): Promise<void> {
  const application = await createApplication(args);
  const server = await listen(application, args).catch(async (error: unknown) => {
    await application.close();
    throw error;
  });
  const { port } = server.address() as AddressInfo;
  const host = args.host.includes(':') ? `[${args.host}]` : args.host;
  const url = `http://${host}:${port}`;
  if (args.front) {
    const places = storagePlaces(application.storages);
    console.log(frontConfiguration(args.front, { places, upstream: url, listen: '8080' }));
  }
  const place = args.storage.kind === 'disk' ? args.data : `${args.storage.kind} and ${args.data}`;
  console.log(`filefield example with ${args.orm}, files in ${place}: ${url}/   (Ctrl-C to stop)`);

  let stopping = false;
  const stop = () => {
    // A second Ctrl-C, or SIGTERM, stops at once.
    if (stopping) process.exit(130);
    stopping = true;
    // Uploads and downloads end first. Connections that become idle meanwhile are closed, and then nothing keeps the process.
    const idle = setInterval(() => server.closeIdleConnections(), 500);
    server.close(() => {
      clearInterval(idle);
      void application.close();
    });
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}

let args: Arguments;
try {
  args = readArguments();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exit(2);
}
main(args).catch((error: unknown) => {
  console.error(explain(error, args));
  process.exitCode = 1;
});
