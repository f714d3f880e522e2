import path from 'node:path';
import { frontConfiguration } from '../fronts/configuration.js';
import type { Front } from '../fronts/front.js';
import type { FrontName } from '../fronts/fronts.js';
import { storagePlaces } from '../fronts/places.js';
import type { FrontRemote } from '../fronts/setup.js';
import { invalidOption } from '../options.js';
import type { Command, CommandOption, OptionValues } from './command.js';
import { configOption, loadConfig } from './load-config.js';
import type { Terminal } from './terminal.js';

const options: readonly CommandOption[] = [
  configOption,
  { name: 'listen', value: 'address', description: 'where clients connect', default: '8080' },
  { name: 'upstream', value: 'url', description: 'where the application listens', default: 'http://127.0.0.1:3000' },
  { name: 'server-name', value: 'host', description: 'the host name that it serves (default: all host names)' },
  {
    name: 'standalone',
    value: 'folder',
    description: 'prints a complete configuration that runs from this folder, to try it out',
  },
];
const remoteOption: CommandOption = {
  name: 'remote',
  value: 'url=prefix',
  description: 'a bucket that it fetches from by signed URLs; may be given several times',
};

/** The command `filefield nginx`, `filefield apache`, and so on. */
export function configurationCommand(front: Front & { readonly name: FrontName }): Command {
  return {
    name: front.name,
    description: `prints the configuration of ${front.description} for all storages with a folder on this machine`,
    options: front.fetches ? [...options, remoteOption] : options,
    run: (values, terminal) => printConfiguration(front.name, values, terminal),
  };
}

async function printConfiguration(server: FrontName, values: OptionValues, terminal: Terminal): Promise<number> {
  const last = (name: string) => values.get(name)?.at(-1);
  const { storages, file } = await loadConfig(last('config'));
  if (!storages) throw invalidOption(`${file} must export "storages", your StorageRegistry.`);
  const places = storagePlaces(storages);
  const remotes = values.get('remote')?.map(parseRemote) ?? [];
  if (places.length + remotes.length === 0) {
    const names = storages.names.join(', ') || 'none';
    throw invalidOption(`No storage of ${file} has a folder on this machine; its storages are: ${names}.`);
  }
  const serverName = last('server-name');
  const standalone = last('standalone');
  const text = frontConfiguration(server, {
    places,
    remotes,
    listen: last('listen')!,
    upstream: last('upstream')!,
    ...(serverName !== undefined && { serverName }),
    ...(standalone !== undefined && { standalone: path.resolve(standalone) }),
  });
  terminal.stdout.write(text);
  return 0;
}

/** `https://bucket.s3.example=/_filefield/photos` */
function parseRemote(text: string): FrontRemote {
  const [url = '', prefix = '', ...rest] = text.split('=');
  if (url !== '' && prefix !== '' && rest.length === 0) return { url, prefix };
  throw invalidOption(`--remote "${text}" must be like https://bucket.s3.example=/_filefield/photos`);
}
