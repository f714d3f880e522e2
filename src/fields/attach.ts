import { FileFieldError } from '../errors.js';
import { FileEvents } from '../events.js';
import { StorageRegistry } from '../file/registry.js';
import type { Storage } from '../file/storage.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { LedgerOptions } from '../ledger/ledger.js';
import { NoLedger } from '../ledger/none.js';
import { RecordedLedger } from '../ledger/recorded.js';
import type { Entities } from './entities.js';
import { Files } from './files.js';

/** The options of `attachFiles` of both ORMs. */
export interface AttachOptions extends LedgerOptions {
  /** The storages that the file fields name: a registry, or an object of storages by name. */
  readonly storages: StorageRegistry | Readonly<Record<string, Storage>>;
  /**
   * False for a database that cannot get the ledger's tables: then nothing is ever deleted by itself, and bytes that no row
   * refers to stay until `files.reconcile({ deleteUnknown: true })`.
   * @default true
   */
  readonly ledger?: boolean;
}

/** The files of one ORM instance, checked: its fields against its storages, its ledger against the database. */
export async function openFiles(
  database: LedgerConnection,
  entities: Entities,
  options: AttachOptions,
): Promise<Files> {
  const storages = registryOf(options.storages);
  const events = new FileEvents();
  const ledger =
    options.ledger === false
      ? new NoLedger(database, options)
      : new RecordedLedger(database, storages, events, options);
  const files = new Files({ storages, ledger, entities, events });
  await ledger.verify();
  return files;
}

function registryOf(storages: AttachOptions['storages']): StorageRegistry {
  if (isRegistry(storages)) return storages;
  if (typeof storages === 'object' && storages !== null) return new StorageRegistry(storages);
  throw new FileFieldError(
    'invalid_option',
    'attachFiles() needs "storages": a StorageRegistry or an object of storages.',
  );
}

/** Also true for a registry made by a second copy of this package. */
function isRegistry(storages: AttachOptions['storages']): storages is StorageRegistry {
  return typeof storages?.resolve === 'function' && Array.isArray(storages.names);
}
