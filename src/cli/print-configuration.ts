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
  {
    name: 'upstream',
    value: 'url',
    description: 'where the application listens; unix:/run/app.sock for a socket, several times for several processes',
    default: 'http://127.0.0.1:3000',
  },
  {
    name: 'server-name',
    value: 'host',
    description: 'a host name that it serves; may be given several times (default: all host names)',
  },
  { name: 'path', value: 'path', description: 'the path below which the application is (default: the whole site)' },
  { name: 'trust-proxy', description: 'keeps X-Forwarded-Proto and X-Forwarded-For of a proxy before this server' },
  {
    name: 'header',
    value: 'name: value',
    description: 'a header of every response, in place of that of the application; may be given several times',
  },
  {
    name: 'standalone',
    value: 'folder',
    description: 'prints a complete configuration that runs from this folder, to try it out',
  },
];
const remoteOptions: readonly CommandOption[] = [
  {
    name: 'remote',
    value: 'url=prefix',
    description: 'a bucket that it fetches from by signed URLs; may be given several times',
  },
  {
    name: 'resolver',
    value: 'address',
    description: 'a name server for the hosts of buckets; off to look them up once (default: those of this machine)',
  },
];

/** The command `filefield nginx`, `filefield apache`, and so on. */
export function configurationCommand(front: Front & { readonly name: FrontName }): Command {
  return {
    name: front.name,
    description: `prints the configuration of ${front.description} for all storages with a folder on this machine`,
    options: front.fetches ? [...options, ...remoteOptions] : options,
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
  const resolver = values.get('resolver');
  const below = last('path');
  const standalone = last('standalone');
  const text = frontConfiguration(server, {
    places,
    remotes,
    listen: last('listen')!,
    upstream: values.get('upstream')!,
    serverName: values.get('server-name')?.flatMap((names) => names.split(/[\s,]+/)) ?? [],
    ...(below !== undefined && { path: below }),
    trustProxy: values.has('trust-proxy'),
    headers: Object.fromEntries((values.get('header') ?? []).map(parseHeader)),
    ...(resolver && { resolver: resolver.at(-1) === 'off' ? 'off' : resolver }),
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

/** `Strict-Transport-Security: max-age=31536000` */
function parseHeader(text: string): readonly [name: string, value: string] {
  const [, name, value] = /^([^:\s]+):\s*(\S.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw invalidOption(`--header "${text}" must be like "Strict-Transport-Security: max-age=31536000"`);
}
