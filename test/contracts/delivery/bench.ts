import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { frontConfiguration, type Delivery, type FrontName, type FrontSetup } from 'filefield';
import { askServer, serve, type Asked, type Reply, type RunningServer } from '../../adapters/server.js';
import { freePort, startFront, type RunningFront } from '../../fronts/start-front.js';
import { awkwardNames } from './awkward-names.js';
import { routes } from './routes.js';

/** A server in front: how it is told, how it is configured, and what it is known to do its own way. */
export interface DeliveryMember {
  readonly server: FrontName;
  readonly delivery: (places: Readonly<Record<string, string>>) => Delivery;
  /** What a place is for the delivery: a path that the server knows, or the folder. */
  readonly places: 'prefix' | 'folder';
  readonly header: 'x-accel-redirect' | 'x-sendfile';
  /** Whose ETag and Last-Modified the client gets. */
  readonly validators: 'view' | 'server';
  /** Names that it cannot carry; the application streams these files. */
  readonly streams: readonly string[];
  /** Headers of the application that do not reach the client with a file. */
  readonly loses: readonly string[];
  /** Whether a whole file comes with Accept-Ranges. */
  readonly saysRanges: boolean;
  /** Whether a 416 tells the size, as RFC 9110 section 15.5.17 asks. */
  readonly tellsSize: boolean;
  /** Whether it makes one range of several that nearly touch. */
  readonly joinsRanges: boolean;
  /** HEAD with a Range: 206 as GET would be, or 200. */
  readonly headOfRange: 200 | 206;
  /** What comes of a file that is lost between the look of the application and that of the server. */
  readonly lost: { readonly gone: number; readonly folder: number; readonly unreadable: number };
  /** Whether a lost file's 404 still has the head of the download. */
  readonly keepsHeadOfLost: boolean;
  /** What comes of a path outside of the places, from an application that is wrong. */
  readonly outside: readonly number[];
  /** What a client gets while the application is away. */
  readonly away: number;
  /** Makes a wrong configuration of a right one. */
  readonly spoil?: (text: string) => string;
}

export interface BenchReply extends Reply {
  /** Bytes, head and all, that the application wrote for this answer; undefined when it was not asked. */
  readonly sent: number | undefined;
}

/** One server in front of one application, and a folder of files between them. */
export class DeliveryBench {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'delivery-'));
  /** The place. */
  readonly root = path.join(this.folder, 'documents');
  readonly prefix = '/_filefield/documents';
  readonly delivery: Delivery;
  /** What `/changing` does to the disk once the application has looked. */
  meanwhile: () => void = () => undefined;
  /** What `/forged` answers with. */
  forged: Readonly<Record<string, string>> = {};
  /** What `/virtual` waits for in the middle. */
  gate: Promise<void> = Promise.resolve();
  /** Bytes that `/upload` has got so far. */
  arrived = 0;
  readonly #fronts: RunningFront[] = [];
  #application: RunningServer | undefined;
  #port = 0;
  #sent: number | undefined;

  constructor(readonly member: DeliveryMember) {
    this.delivery = member.delivery({ [this.root]: member.places === 'prefix' ? this.prefix : this.root });
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
    this.#port = await this.front(this.#application.port);
  }

  /** Starts the server in front of an application; resolves to its port. */
  async front(upstream: number): Promise<number> {
    const port = await freePort();
    const standalone = path.join(this.folder, `run-${port}`);
    const text = frontConfiguration(this.member.server, { ...this.setup(upstream, port), standalone });
    const spoiled = this.member.spoil?.(text) ?? text;
    if (this.member.spoil && spoiled === text) throw new Error('nothing was spoiled');
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

  /** Asks the server in front for a file by way of a route. */
  async ask(route: string, name = '', asked: Asked = {}): Promise<BenchReply> {
    this.#sent = undefined;
    const reply = await askServer(this.#port, { ...asked, path: this.url(route, name) });
    return { ...reply, sent: this.#sent };
  }

  /** Hides the name from the server in front, which is to meet it first where it must open the file. */
  url(route: string, name: string): string {
    return `/${route}/${Buffer.from(name).toString('base64url')}`;
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  /** An hour ago, since a date of this minute is no strong validator (RFC 9110 section 8.8.2.2). */
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
    const run = Object.hasOwn(routes, route) ? routes[route]! : routes.nothing!;
    run({ bench: this, request, response, name: Buffer.from(name, 'base64url').toString() });
  }
}

/** Bytes that no other file has, nor any other place of the same file nearby. */
export function bytesOf(name: string, size: number): Buffer {
  return Buffer.alloc(size, createHash('shake256', { outputLength: 65_521 }).update(name).digest());
}
