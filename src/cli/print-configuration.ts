import path from 'node:path';
import { storagePlaces } from '../fronts/storage-places.js';
import { FileFieldError } from '../errors.js';
import { frontConfiguration, type FrontName } from '../fronts/configuration.js';
import type { FrontRemote } from '../fronts/setup.js';
import { loadConfig } from './load-config.js';
import type { Terminal } from './terminal.js';

export interface PrintConfigurationOptions {
  readonly config?: string;
  readonly listen: string;
  readonly upstream: string;
  readonly serverName?: string;
  readonly standalone?: string;
  /** `https://bucket.s3.example=/_filefield/photos`. */
  readonly remote?: readonly string[];
}

/** Prints the configuration of a server that is to send the files of all storages with a folder on this machine. */
export async function printConfiguration(
  server: FrontName,
  options: PrintConfigurationOptions,
  terminal: Terminal,
): Promise<number> {
  const { listen, upstream, serverName, standalone } = options;
  const { storages, file } = await loadConfig(options.config);
  if (!storages) throw new FileFieldError('invalid_option', `${file} must export "storages", your StorageRegistry.`);
  const places = storagePlaces(storages);
  const remotes = options.remote?.map(remoteOf) ?? [];
  if (places.length + remotes.length === 0) {
    const names = storages.names.join(', ') || 'none';
    throw new FileFieldError('invalid_option', `No storage of ${file} has a folder on this machine; it has: ${names}.`);
  }
  const text = frontConfiguration(server, {
    places,
    remotes,
    listen,
    upstream,
    ...(serverName !== undefined && { serverName }),
    ...(standalone !== undefined && { standalone: path.resolve(standalone) }),
  });
  terminal.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return 0;
}

function remoteOf(text: string): FrontRemote {
  const [url = '', prefix = '', ...rest] = text.split('=');
  if (url !== '' && prefix !== '' && rest.length === 0) return { url, prefix };
  throw new FileFieldError(
    'invalid_option',
    `--remote "${text}" must be like https://bucket.s3.example=/_filefield/photos`,
  );
}
