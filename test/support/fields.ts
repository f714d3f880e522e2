import { randomUUID } from 'node:crypto';
import { FileEvents } from '../../src/events.js';
import { sqlite } from '../../src/ledger/dialects/index.js';
import { RecordedLedger } from '../../src/ledger/recorded.js';
import type { Sql } from '../../src/ledger/sql.js';
import type { LedgerConnection, SqlResult } from '../../src/ledger/connection.js';
import { Files } from '../../src/fields/files.js';
import type { FileFieldOptions } from '../../src/fields/field-options.js';
import { FileFieldError, StorageRegistry, type LedgerOptions, type Storage, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';

/** An entity without an ORM, which staging does not need. */
export class Letter {
  file!: StoredFile | null;
  cover!: StoredFile | null;
}

/** Records the statements of a ledger, in order. The suites of the ORMs run them on databases. */
export class RecordingConnection implements LedgerConnection {
  readonly dialect = sqlite;
  readonly statements: string[] = [];
  /** The ids of files that were stored and not given up. */
  readonly staged = new Set<unknown>();

  async execute(statement: Sql): Promise<SqlResult> {
    const text = statement.text();
    if (text.startsWith('SELECT identity')) return { rows: [{ identity: 'k3v9x0q2m7ab' }], affected: 0 };
    this.statements.push(text);
    const { values } = statement;
    // Intents of concurrent uploads are one statement with six values each, of which the first is the id.
    if (text.startsWith('INSERT')) for (let at = 0; at < values.length; at += 6) this.staged.add(values[at]);
    if (text.includes('SET lease_until = 0')) this.staged.delete(values.at(-1));
    // A staged file exists and is not locked by a transaction.
    const rows = text.startsWith('SELECT id FROM file_ledger WHERE id =') ? [{ id: values[0] }] : [];
    return { rows, affected: text.startsWith('INSERT') ? values.length / 6 : 1 };
  }
}

/** `Files` with one field that has the options, a memory storage and a ledger that only records statements. */
export function filesFor(
  options: Partial<FileFieldOptions> = {},
  storage: Storage = new MemoryStorage(),
  ledgerOptions: LedgerOptions = {},
): { files: Files; memory: MemoryStorage; ledger: RecordingConnection } {
  return filesWith({ file: options }, storage, ledgerOptions);
}

/** `Files` with several fields of one entity. */
export function filesWith(
  fieldOptions: Readonly<Record<string, Partial<FileFieldOptions>>>,
  storage: Storage = new MemoryStorage(),
  ledgerOptions: LedgerOptions = {},
): { files: Files; memory: MemoryStorage; ledger: RecordingConnection } {
  const ledger = new RecordingConnection();
  const fields = Object.entries(fieldOptions).map(([property, options]) => ({
    entity: 'Letter',
    property,
    options: { storage: 'letters', ...options },
    reference: { table: 'letter', column: property, owner: 'letter', slot: property },
  }));
  const unsupported = () => {
    throw new Error(`not part of this test: ${randomUUID()}`);
  };
  const events = new FileEvents();
  const entities = {
    fields,
    fileField: (_entity: unknown, property: string) => {
      const found = fields.find((field) => field.property === property);
      if (found) return found;
      throw new FileFieldError('invalid_option', 'There is no such field.');
    },
    findObject: unsupported,
    columnKind: unsupported,
    primaryKey: unsupported,
    deleteRows: unsupported,
    rowsOf: unsupported,
    changeRows: unsupported,
    named: unsupported,
  };
  const storages = new StorageRegistry({ letters: storage });
  const files = new Files({
    storages,
    ledger: new RecordedLedger(ledger, storages, events, ledgerOptions),
    entities,
    events,
  });
  return { files, memory: storage as MemoryStorage, ledger };
}
