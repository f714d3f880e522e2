import type { LedgerConnection } from '../ledger/connection.js';
import type { Ledger } from '../ledger/ledger.js';
import { ownerKey, rowExists, type Slot } from '../ledger/reference.js';
import type { StoredFile } from '../file/stored-file.js';
import type { FileField } from './field.js';
import { retentionTime, type Retention } from '../ledger/policies.js';

/** What a write did to one file field of one row, as an ORM's hook tells it. */
export interface SlotChange {
  readonly field: FileField;
  /** The row's primary key, in the order of the entity's metadata; undefined where the ORM does not tell it. */
  readonly key: readonly unknown[] | undefined;
  /** What the field holds now. */
  readonly current: StoredFile | null;
  /** What the ORM believes it held before; a hint. */
  readonly previous?: StoredFile | null;
  readonly kind: 'insert' | 'update' | 'delete' | 'soft-delete' | 'restore';
}

/** Carries a change of a row over to the ledger, in the row's own transaction: both ORMs' hooks end here. */
export async function recordChange(ledger: Ledger, transaction: LedgerConnection, change: SlotChange): Promise<void> {
  const { field, kind, current, previous } = change;
  if (!change.key) {
    if (current) await ledger.adopt(transaction, current.toDescriptor());
    return;
  }
  const slot: Slot = { owner: field.reference.owner, pk: ownerKey(change.key), slot: field.reference.slot };
  if (current) {
    const row = kind === 'update' ? rowExists(field.reference, change.key) : undefined;
    await ledger.bind(transaction, slot, current.toDescriptor(), { copies: field.options.copies, row });
  }
  // The slot of a new row held nothing, or what a reconcile will find: a statement that nearly always changes nothing.
  if (kind === 'insert') return;
  const retain = retention(field, kind);
  // A soft-deleted row that keeps its file has not let go of it.
  if (kind === 'soft-delete' && retain === 'keep') return;
  await ledger.doom(transaction, slot, {
    current: current?.id ?? null,
    retain,
    ...(previous && { known: previous.id }),
  });
}

/** Rows that one statement deletes, as far as one of their file fields goes. */
export interface DeletedRows {
  readonly field: FileField;
  readonly rows: readonly { readonly key: readonly unknown[]; readonly held: StoredFile | null }[];
}

/** The same for many rows at once, which no hook tells of. */
export async function recordDeletes(
  ledger: Ledger,
  transaction: LedgerConnection,
  { field, rows }: DeletedRows,
): Promise<void> {
  const { owner, slot } = field.reference;
  const keys = rows.map(({ key }) => ownerKey(key));
  const known = rows.flatMap(({ held }) => (held ? [held.id] : []));
  await ledger.doomMany(transaction, { owner, slot }, keys, known, retention(field, 'delete'));
}

function retention({ options }: FileField, kind: SlotChange['kind']): number | 'keep' {
  const policies: Readonly<Record<SlotChange['kind'], Retention | undefined>> = {
    insert: 'delete',
    update: options.onReplace,
    delete: options.onDelete,
    'soft-delete': options.onSoftDelete ?? 'keep',
    restore: 'delete',
  };
  return retentionTime(policies[kind]);
}
