import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, virtualFile, type DownloadHandler, type FileSource } from 'filefield';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { everyAdapter, type MountedAdapter } from './every-adapter.js';
import { serve, type RunningServer } from './server.js';

export const MiB = 1024 * 1024;

/** A server of downloads that a test may break: which file is behind which URL, how patient it is, what it reported. */
export class DownloadServer {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'downloads-'));
  /** What is served at `/`. */
  readonly file = path.join(this.folder, 'file.bin');
  readonly errors: unknown[] = [];
  /** What the hooks of the view were told: the path, which hook, how many bytes. */
  readonly told: [string, 'start' | 'complete' | 'abort', number][] = [];
  sources: Record<string, () => FileSource> = {};
  idleTimeout = 60_000;
  running!: RunningServer;

  constructor(private readonly adapter: MountedAdapter = everyAdapter['node:http']!) {}

  get port(): number {
    return this.running.port;
  }

  async start(): Promise<void> {
    this.running = await serve(this.listener());
  }

  /** What is served, for a server of the test's own. */
  listener(): ReturnType<MountedAdapter['mount']> {
    const onError = (error: unknown) => this.errors.push(error);
    // One per timeout that a test sets, because an adapter reads its options when it is made.
    const listeners = new Map<number, RequestListener>();
    return (request, response) => {
      const { idleTimeout } = this;
      const listener = listeners.get(idleTimeout) ?? this.adapter.mount(this.#view(), { onError, idleTimeout });
      listeners.set(idleTimeout, listener);
      listener(request, response);
    };
  }

  reset(): void {
    this.errors.length = 0;
    this.told.length = 0;
    this.idleTimeout = 60_000;
    this.sources = {
      '/': () => localFile(this.file),
      '/next': () => virtualFile({ name: 'next', content: 'NEXT' }),
    };
  }

  /** Puts a file of zeros at `/`; it takes no room on the disk. */
  fill(bytes: number): void {
    writeFileSync(this.file, '');
    truncateSync(this.file, bytes);
  }

  /** What the hooks were told of one path, without the bytes. */
  hooksOf(url: string): string[] {
    return this.told.filter(([path]) => path === url).map(([, hook]) => hook);
  }

  /** The descriptors that this process holds on the file at `/`. */
  descriptors(): number {
    return descriptorsBelow(this.file);
  }

  async stop(): Promise<void> {
    await this.running.close();
    this.remove();
  }

  /** Of one that was never started. */
  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #view(): DownloadHandler<unknown> {
    const tell =
      (hook: 'start' | 'complete' | 'abort') =>
      (_raw: unknown, url: string, { bytes }: { bytes: number }) =>
        void this.told.push([url, hook, bytes]);
    return downloadView<unknown, string>(async ({ url }) => ({ subject: url!, file: this.sources[url!]! }), {
      onStart: tell('start'),
      onComplete: tell('complete'),
      onAbort: tell('abort'),
    });
  }
}

/** What came after the head. */
export function bodyIn(received: Buffer): Buffer {
  return received.subarray(received.indexOf('\r\n\r\n') + 4);
}
