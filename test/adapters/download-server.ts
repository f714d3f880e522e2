import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadView, localFile, virtualFile, type FileSource } from 'filefield';
import { toNode } from 'filefield/node';
import { serve, type RunningServer } from './server.js';

export const MiB = 1024 * 1024;

/** A server of downloads that a test may break: which file is behind which URL, how patient it is, what it reported. */
export class DownloadServer {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'downloads-'));
  /** What is served at `/`. */
  readonly file = path.join(this.folder, 'file.bin');
  readonly errors: unknown[] = [];
  sources: Record<string, () => FileSource> = {};
  idleTimeout = 60_000;
  running!: RunningServer;

  get port(): number {
    return this.running.port;
  }

  async start(): Promise<void> {
    const view = downloadView<IncomingMessage, null>(async ({ raw }) => ({
      subject: null,
      file: this.sources[raw.url!]!,
    }));
    const onError = (error: unknown) => this.errors.push(error);
    this.running = await serve((request, response) => {
      void toNode(view, { onError, idleTimeout: this.idleTimeout })(request, response);
    });
  }

  reset(): void {
    this.errors.length = 0;
    this.idleTimeout = 60_000;
    this.sources = {
      '/': () => localFile(this.file),
      '/next': () => virtualFile({ name: 'next', content: 'NEXT' }),
    };
  }

  /** The descriptors that this process holds on the file at `/`. */
  descriptors(): number {
    return readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(this.file);
      } catch {
        return false;
      }
    }).length;
  }

  async stop(): Promise<void> {
    await this.running.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** What came after the head. */
export function bodyIn(received: Buffer): Buffer {
  return received.subarray(received.indexOf('\r\n\r\n') + 4);
}
