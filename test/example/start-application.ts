import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createApplication,
  type Application,
  type ApplicationOptions,
  type OrmName,
} from '../../entities-example/application.js';

export const orms: readonly OrmName[] = ['typeorm', 'mikro'];

export interface Running extends Application {
  readonly url: string;
  /** The paths of all stored objects, without the markers of the ledger. */
  stored(): Promise<string[]>;
}

/** Starts the example on a free port with a new folder. The grace is 0, so that one sweep deletes released files. */
export async function startApplication(options: Partial<ApplicationOptions> = {}): Promise<Running> {
  process.env.EXAMPLE_GRACE = '0';
  const data = await mkdtemp(path.join(tmpdir(), 'filefield-example-'));
  const application = await createApplication({ data, seed: false, sweepEvery: 0, ...options });
  const server = application.app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    ...application,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stored() {
      const { storages } = application;
      const roots = [storages.get('documents').root!, storages.get('photos').root!];
      const entries = await Promise.all(
        roots.map((root) => readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])),
      );
      const files = entries.flat().filter((entry) => entry.isFile());
      const paths = files.map((entry) => path.join(entry.parentPath, entry.name));
      return paths.filter((file) => !file.includes('/filefield-fence/'));
    },
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await application.close();
      await rm(data, { recursive: true });
    },
  };
}
