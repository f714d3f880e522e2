import { FileFieldError } from '../errors.js';
import { FileEvents } from '../events.js';
import { StorageRegistry } from '../file/registry.js';
import type { Storage } from '../file/storage.js';
import type { SigningKey } from '../keys.js';
import { unprotectedColumns } from '../ledger/catalog.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { LedgerOptions } from '../ledger/ledger.js';
import { NoLedger } from '../ledger/none.js';
import { RecordedLedger } from '../ledger/recorded.js';
import { References } from '../ledger/references.js';
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
  /**
   * Whether to print a warning of the process if columns are not protected by `protectFiles`. Either way they are listed in
   * `files.unprotected`.
   * @default 'warn'
   */
  readonly protection?: 'warn' | 'off';
  /**
   * The keys that sign the tickets of `files.ticket`: the same in every process. The first signs, all verify.
   * @default none: there are no tickets
   */
  readonly ticketKeys?: readonly SigningKey[];
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
  const { ticketKeys } = options;
  const files = new Files({ storages, ledger, entities, events, ...(ticketKeys && { ticketKeys }) });
  await ledger.verify();
  const { protection = 'warn' } = options;
  if (ledger.recorded) files.noteUnprotected(await lookForProtection(ledger.database, entities), protection);
  if (files.unprotected.length > 0 && protection !== 'off') warn(files.unprotected);
  return files;
}

/** A role that may not read the catalogue can still attach files. */
async function lookForProtection(database: LedgerConnection, { fields }: Entities): Promise<readonly string[]> {
  try {
    const { all } = new References(fields.map((field) => field.reference));
    return await unprotectedColumns(database, all);
  } catch {
    return [];
  }
}

function warn(columns: readonly string[]): void {
  process.emitWarning(
    `These columns are not protected: ${columns.join(', ')}. Bulk writes, SQL and cascades are found late, and sweeps read the whole table. Call protectFiles() in a migration, or give attachFiles() the option protection: 'off'.`,
    { type: 'FileFieldWarning', code: 'FILEFIELD_UNPROTECTED' },
  );
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
