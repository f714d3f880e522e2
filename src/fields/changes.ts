import type { StoredFile } from '../file/stored-file.js';
import type { LedgerConnection } from '../ledger/connection.js';
import type { Ledger } from '../ledger/ledger.js';
import { retentionTime, type Retention } from '../ledger/policies.js';
import { ownerKey, rowExists } from '../ledger/file-reference.js';
import type { FileField } from './field.js';

/** What a write did to one file field of one row, as an ORM's hook reports it. */
export interface FieldChange {
  readonly field: FileField;
  /** The row's primary key, in the order of the entity's metadata; undefined where the ORM does not tell it. */
  readonly key: readonly unknown[] | undefined;
  /** What the field holds now. */
  readonly current: StoredFile | null;
  /** What the ORM believes the field held before; a hint. */
  readonly previous?: StoredFile | null;
  readonly kind: 'insert' | 'update' | 'delete' | 'soft-delete' | 'restore';
}

/** Records a change of a row in the ledger, in the row's own transaction. The hooks of both ORMs end here. */
export async function recordChange(ledger: Ledger, transaction: LedgerConnection, change: FieldChange): Promise<void> {
  const { field, kind, current, previous } = change;
  if (!change.key) {
    if (current) await ledger.adopt(transaction, field.reference, current.toDescriptor());
    return;
  }
  const slot = { ...field.reference, pk: ownerKey(change.key) };
  if (current) {
    const row = kind === 'update' ? rowExists(field.reference, change.key) : undefined;
    await ledger.bind(transaction, slot, current.toDescriptor(), { copies: field.options.copies, row });
  }
  // A new row had no file.
  if (kind === 'insert') return;
  const retain = retentionTime(policyOf(field, kind), ledger.grace);
  // A soft-deleted row that keeps its file has not released it.
  if (kind === 'soft-delete' && retain === 'keep') return;
  await ledger.release(transaction, slot, {
    current: current?.id ?? null,
    retain,
    ...(previous && { known: previous.id }),
  });
}

function policyOf({ options }: FileField, kind: FieldChange['kind']): Retention | undefined {
  switch (kind) {
    case 'update':
      return options.onReplace;
    case 'delete':
      return options.onDelete;
    case 'soft-delete':
      return options.onSoftDelete ?? 'keep';
    case 'insert':
    case 'restore':
      return undefined;
  }
}
