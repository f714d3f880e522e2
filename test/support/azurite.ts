import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { BlobServiceClient, StorageSharedKeyCredential, type StoragePipelineOptions } from '@azure/storage-blob';

const program = path.resolve('compat/azurite/node_modules/azurite/dist/src/blob/main.js');

/** True if Azurite is installed; otherwise it prints a warning, or throws in CI. */
export function haveAzurite(): boolean {
  if (existsSync(program)) return true;
  const text = 'Azurite is not installed: npm ci --prefix compat/azurite';
  if (process.env.CI) throw new Error(text);
  console.warn(`*** SKIPPED: ${text}; AzureBlobStorage is not tested ***`);
  return false;
}

/** The account of Azurite and its key, which Microsoft publishes. */
export const azurite = {
  account: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
} as const;

/** Azurite on a free port of this machine, without a disk. */
export class Azurite {
  #process: ChildProcess | undefined;
  #port = 0;

  async start(): Promise<void> {
    this.#port = await freePort();
    const options = ['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
    const address = ['--blobHost', '127.0.0.1', '--blobPort', String(this.#port)];
    this.#process = spawn(process.execPath, [program, ...address, ...options], { stdio: 'ignore' });
    const failed = new Promise<never>((_resolve, reject) => {
      this.#process!.once('exit', (code) => reject(new Error(`Azurite ended with ${code}`)));
    });
    failed.catch(() => undefined);
    await Promise.race([failed, this.#answers()]);
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
  }

  get port(): number {
    return this.#port;
  }

  /** A client of the account; `port` may be that of a proxy. */
  service(options: StoragePipelineOptions & { readonly port?: number; readonly key?: string } = {}): BlobServiceClient {
    const { port = this.#port, key = azurite.key, ...rest } = options;
    const credential = new StorageSharedKeyCredential(azurite.account, key);
    const retryOptions = { maxTries: 3, retryDelayInMs: 10 };
    return new BlobServiceClient(`http://127.0.0.1:${port}/${azurite.account}`, credential, { retryOptions, ...rest });
  }

  async #answers(): Promise<void> {
    for (;;) {
      const answered = await fetch(`http://127.0.0.1:${this.#port}`).then(
        () => true,
        () => false,
      );
      if (answered) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
