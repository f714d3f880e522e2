import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, virtualFile, type DownloadHandler, type FileSource } from 'filefield';
import { descriptorsBelow } from '../support/descriptors-below.js';
import { everyAdapter, type MountedAdapter } from './every-adapter.js';
import { serve, type RunningServer } from './server.js';

export const MiB = 1024 * 1024;

/** A server of downloads. A test sets the files behind its URLs and its idle timeout, and reads what it reported. */
export class DownloadServer {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'downloads-'));
  /** The file that is served at `/`. */
  readonly file = path.join(this.folder, 'file.bin');
  readonly errors: unknown[] = [];
  /** The calls of the view's hooks: path, hook and bytes. */
  readonly hookCalls: [string, 'start' | 'complete' | 'abort', number][] = [];
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

  /** The listener, for a test that starts a server itself. */
  listener(): ReturnType<MountedAdapter['mount']> {
    const onError = (error: unknown) => this.errors.push(error);
    // One listener per timeout that a test sets, because an adapter reads its options when it is made.
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
    this.hookCalls.length = 0;
    this.idleTimeout = 60_000;
    this.sources = {
      '/': () => localFile(this.file),
      '/next': () => virtualFile({ name: 'next', content: 'NEXT' }),
    };
  }

  /** Makes the file at `/` a sparse file of zeros. */
  fill(bytes: number): void {
    writeFileSync(this.file, '');
    truncateSync(this.file, bytes);
  }

  /** The names of the hooks that were called for a path. */
  hooksOf(url: string): string[] {
    return this.hookCalls.filter(([path]) => path === url).map(([, hook]) => hook);
  }

  /** The number of descriptors that this process has open on the file at `/`. */
  descriptors(): number {
    return descriptorsBelow(this.file);
  }

  async stop(): Promise<void> {
    await this.running.close();
    this.remove();
  }

  /** Deletes the folder, for a server that was never started. */
  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #view(): DownloadHandler<unknown> {
    const note =
      (hook: 'start' | 'complete' | 'abort') =>
      (_raw: unknown, url: string, { bytes }: { bytes: number }) =>
        void this.hookCalls.push([url, hook, bytes]);
    return downloadView<unknown, string>(async ({ url }) => ({ subject: url!, file: this.sources[url!]! }), {
      onStart: note('start'),
      onComplete: note('complete'),
      onAbort: note('abort'),
    });
  }
}

/** The bytes after the head of a response. */
export function bodyIn(received: Buffer): Buffer {
  return received.subarray(received.indexOf('\r\n\r\n') + 4);
}
