import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { frontConfiguration, storagePlaces, type FrontName } from 'filefield';
import { createApplication, type Application, type OrmName } from './application.js';

const fronts: readonly FrontName[] = ['nginx', 'apache', 'lighttpd', 'caddy'];
const usage = `npm run example -- [options]
  --orm typeorm|mikro   the ORM that keeps the rows          (typeorm)
  --port <number>       0 takes any free port                (3000)
  --host <address>      who can reach it                     (127.0.0.1: this machine only)
  --data <folder>       database and files                   (var/example)
  --front <server>      nginx, apache, lighttpd or caddy: it sends the bytes; prints its configuration
  --help`;

interface Arguments {
  readonly orm: OrmName;
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly front?: FrontName;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      orm: { type: 'string', default: 'typeorm' },
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      data: { type: 'string', default: 'var/example' },
      front: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const orm = values.orm.replace(/-orm$/, '');
  if (orm !== 'typeorm' && orm !== 'mikro') throw new Error(`There is no ORM "${values.orm}" here.`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`"${values.port}" is not a port.`);
  const front = fronts.find((name) => name === values.front);
  if (values.front !== undefined && !front) throw new Error(`There is no server "${values.front}" to stand in front.`);
  return { orm, port, host: values.host, data: values.data, front };
}

function listen(application: Application, { port, host }: Arguments): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = application.app.listen(port, host, (error) => (error ? reject(error) : resolve(server)));
    // Node cuts every request off after five minutes; a gigabyte may take longer on its way.
    server.requestTimeout = 60 * 60_000;
  });
}

function explain(error: unknown, { port }: Arguments): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `Port ${port} is taken; choose another: npm run example -- --port ${port + 1}`;
  if (code === 'EACCES') return `This account may not listen on port ${port}; choose one above 1023.`;
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
  console.log(`filefield example with ${args.orm}, files in ${args.data}: ${url}/   (Ctrl-C ends it)`);

  let ending = false;
  const end = () => {
    // A second Ctrl-C does not wait.
    if (ending) process.exit(130);
    ending = true;
    server.close(() => void application.close());
    server.closeAllConnections();
  };
  process.on('SIGINT', end).on('SIGTERM', end);
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
