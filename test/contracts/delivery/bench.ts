import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { frontConfiguration, type Delivery, type FrontName, type FrontSetup } from 'filefield';
import { askServer, serve, type Asked, type Reply, type RunningServer } from '../../adapters/server.js';
import { freePort, startFront, type RunningFront } from '../../fronts/start-front.js';
import type { Front } from '../../../src/fronts/front.js';
import { fronts } from '../../../src/fronts/fronts.js';
import { awkwardNames } from './awkward-names.js';
import { routes } from './routes.js';

/** A server in front, its delivery, and how it differs from the others. */
export interface DeliveryMember {
  readonly server: FrontName;
  readonly delivery: (folders: Readonly<Record<string, string>>) => Delivery;
  /** Names that it cannot be given; the application streams these files. */
  readonly streams: readonly string[];
  /** Headers of the application that are dropped from a response with a file. */
  readonly loses: readonly string[];
  /** True if a 200 has Accept-Ranges. */
  readonly saysRanges: boolean;
  /** True if a 416 has a Content-Range with the size (RFC 9110 section 15.5.17). */
  readonly tellsSize: boolean;
  /** True if it joins ranges with a small gap. */
  readonly joinsRanges: boolean;
  /** The status of HEAD with a Range. */
  readonly headOfRange: 200 | 206;
  /** The status if the file is lost after the application has responded. */
  readonly lost: { readonly gone: number; readonly folder: number; readonly unreadable: number };
  /** True if that response still has the headers of the download. */
  readonly keepsHeadOfLost: boolean;
  /** The statuses for a path outside of the place, which a faulty application might send. */
  readonly outside: readonly number[];
  /** True if it passes on an Upgrade to any protocol. */
  readonly passesProtocols: boolean;
  /** The status while the application is not running. */
  readonly away: number;
  /** Makes a correct configuration incorrect. */
  readonly spoil?: (text: string) => string;
}

/** A response of the server in front. */
export interface BenchReply extends Reply {
  /** Bytes that the application wrote for this response, with headers; undefined if it got no request. */
  readonly sent: number | undefined;
}

/** One server in front of one application, with a folder of files. */
export class DeliveryBench {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'delivery-'));
  /** The folder of the place. */
  readonly root = path.join(this.folder, 'documents');
  readonly prefix = '/_filefield/documents';
  readonly server: Front;
  readonly delivery: Delivery;
  /** Changes the disk after the view of `/changing` has responded. */
  meanwhile: () => void = () => undefined;
  /** The headers of the response to `/forged`. */
  forged: Readonly<Record<string, string>> = {};
  /** `/virtual` waits for it after its first chunk. */
  gate: Promise<void> = Promise.resolve();
  /** Bytes that `/upload` has received so far. */
  arrived = 0;
  readonly #fronts: RunningFront[] = [];
  #application: RunningServer | undefined;
  #port = 0;
  #sent: number | undefined;

  constructor(readonly member: DeliveryMember) {
    this.server = fronts[member.server];
    this.delivery = member.delivery({ [this.root]: this.server.paths === 'uri' ? this.prefix : this.root });
  }

  get port(): number {
    return this.#port;
  }

  get application(): RunningServer {
    return this.#application!;
  }

  async start(): Promise<void> {
    chmodSync(this.folder, 0o755);
    for (const name of awkwardNames) this.write(name, 20_000);
    this.write('big.bin', 300_000);
    this.write('page.html', 20_000);
    writeFileSync(path.join(this.folder, 'outside.bin'), bytesOf('outside', 20_000));
    mkdirSync(`${this.root}-evil`);
    writeFileSync(`${this.root}-evil/x`, bytesOf('outside', 20_000));
    this.#application = await serve((request, response) => this.#run(request, response));
    this.#application.server.on('upgrade', ({ headers: { upgrade } }, socket: Duplex) => {
      socket.on('error', () => undefined);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\nhello`);
      socket.pipe(socket);
    });
    this.#port = await this.front(this.#application.port);
  }

  /** Starts the server in front of an application; resolves to its port. */
  async front(upstream: number): Promise<number> {
    const port = await freePort();
    const standalone = path.join(this.folder, `run-${port}`);
    const text = frontConfiguration(this.member.server, { ...this.setup(upstream, port), standalone });
    const spoiled = this.member.spoil?.(text) ?? text;
    if (this.member.spoil && spoiled === text) throw new Error('spoil changed nothing');
    this.#fronts.push(await startFront(this.member.server, standalone, spoiled, port));
    return port;
  }

  setup(upstream: number, port: number): FrontSetup {
    return {
      places: [{ folder: this.root, prefix: this.prefix }],
      upstream: `http://127.0.0.1:${upstream}`,
      listen: `127.0.0.1:${port}`,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#fronts.map((front) => front.stop()));
    await this.#application?.close();
    rmSync(this.folder, { recursive: true });
  }

  /** Requests a route, with the name of a file, from the server in front. */
  async ask(route: string, name = '', asked: Asked = {}): Promise<BenchReply> {
    this.#sent = undefined;
    const reply = await askServer(this.#port, { ...asked, path: this.url(route, name) });
    return { ...reply, sent: this.#sent };
  }

  /** The name is encoded, so that the server in front sees it only in the header of the response. */
  url(route: string, name: string): string {
    return `/${route}/${Buffer.from(name).toString('base64url')}`;
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  /** Writes a file that was changed an hour ago: a newer date is not a strong validator (RFC 9110 section 8.8.2.2). */
  write(name: string, size: number, modified = new Date(Date.now() - 3_600_000)): void {
    const file = this.path(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytesOf(name, size));
    utimesSync(file, modified, modified);
  }

  #run(request: IncomingMessage, response: ServerResponse): void {
    const before = request.socket.bytesWritten;
    response.once('finish', () => (this.#sent = request.socket.bytesWritten - before));
    const [, route = '', name = ''] = /^\/([^/?]*)\/?([^?]*)/.exec(request.url!) ?? [];
    const serveRoute = Object.hasOwn(routes, route) ? routes[route]! : routes.nothing!;
    serveRoute({ bench: this, request, response, name: Buffer.from(name, 'base64url').toString() });
  }
}

/** Bytes that differ between files and between positions of one file. */
export function bytesOf(name: string, size: number): Buffer {
  return Buffer.alloc(size, createHash('shake256', { outputLength: 65_521 }).update(name).digest());
}
