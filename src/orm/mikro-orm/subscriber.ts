import {
  wrap,
  type EntityManager,
  type EntityMetadata,
  type EventArgs,
  type EventSubscriber,
  type FlushEventArgs,
} from '@mikro-orm/core';
import type { Copies } from '../../fields/copies.js';
import { recordChange, type FieldChange } from '../../fields/changes.js';
import type { Dialect } from '../../ledger/dialect.js';
import type { Ledger } from '../../ledger/ledger.js';
import { isStoredFile, StoredFile } from '../../file/stored-file.js';
import { transactionOf } from './database.js';
import { fieldOf, valueOf, type FieldProperty } from './entities.js';
import { payloadsOf } from './internals.js';

type Data = Readonly<Record<string, unknown>>;

/**
 * Records in the ledger what MikroORM writes, in the same transaction, after the row. It does no I/O except SQL, and it needs
 * no hook for commit and rollback: the ledger's rows are part of the transaction.
 */
export class FileSubscriber implements EventSubscriber {
  constructor(
    private readonly ledger: Ledger,
    private readonly dialect: Dialect,
    private readonly fields: (metadata: EntityMetadata) => readonly FieldProperty[],
    private readonly copies: Copies,
  ) {}

  /** Copies files of other rows where the field's policy is `copy`. An implicit transaction has not begun yet. */
  async onFlush({ em, uow }: FlushEventArgs): Promise<void> {
    const transaction = em.isInTransaction() ? transactionOf(em, this.dialect) : undefined;
    for (const { entity, meta, type } of uow.getChangeSets()) {
      if (type !== 'create' && type !== 'update') continue;
      for (const field of this.fields(meta)) {
        const file = valueOf(entity, field);
        if (field.field.options.copies !== 'copy' || !isStoredFile(file)) continue;
        const key = type === 'update' ? (wrap(entity, true).getPrimaryKeys(true) ?? undefined) : undefined;
        const own = await this.copies.ownFile({ field: field.field, file, key, transaction });
        if (own === file) continue;
        const holder = valueOf(entity, { ...field, path: field.path.slice(0, -1) }) as Record<string, unknown>;
        holder[field.path.at(-1)!] = own;
        uow.recomputeSingleChangeSet(entity);
      }
    }
  }

  async beforeCreate(args: EventArgs<object>): Promise<void> {
    await this.#reserve(args);
  }

  async beforeUpdate(args: EventArgs<object>): Promise<void> {
    await this.#reserve(args);
  }

  async beforeUpsert(args: EventArgs<object>): Promise<void> {
    await this.#reserve(args);
  }

  async afterCreate(args: EventArgs<object>): Promise<void> {
    for (const field of this.fields(args.meta)) {
      const current = writtenBy(args, field);
      if (current) await this.#record(args, field, { kind: 'insert', current });
    }
  }

  async afterUpdate(args: EventArgs<object>): Promise<void> {
    for (const field of this.fields(args.meta)) {
      // Only changed properties are written.
      const current = writtenBy(args, field);
      if (current === undefined) continue;
      const original = args.changeSet?.originalEntity as Data | undefined;
      await this.#record(args, field, { kind: 'update', current, previous: fileOf(original?.[field.property.name]) });
    }
  }

  /** There is no change set; outside of a transaction this commits at once, as the row did. */
  async afterUpsert(args: EventArgs<object>): Promise<void> {
    for (const field of this.fields(args.meta)) {
      const current = valueOf(args.entity, field);
      if (current !== undefined) await this.#record(args, field, { kind: 'update', current: fileOf(current) });
    }
  }

  async afterDelete(args: EventArgs<object>): Promise<void> {
    for (const field of this.fields(args.meta)) {
      // A reference has only its key, which is enough to release the slot.
      const held = valueOf(args.entity, field);
      await this.#record(args, field, { kind: 'delete', current: null, previous: isStoredFile(held) ? held : null });
    }
  }

  /** Outside of a transaction the row is committed at once; after it, it would be too late to refuse a swept file. */
  async #reserve({ em, meta, entity }: EventArgs<object>): Promise<void> {
    if (em.isInTransaction()) return;
    for (const field of this.fields(meta)) {
      const file = valueOf(entity, field);
      if (isStoredFile(file)) await this.ledger.reserve(transactionOf(em as never, this.dialect), file.toDescriptor());
    }
  }

  async #record(
    { em, entity }: EventArgs<object>,
    property: FieldProperty,
    change: Omit<FieldChange, 'field' | 'key'>,
  ): Promise<void> {
    const wrapped = wrap(entity, true);
    const key = wrapped.getPrimaryKeys(true) ?? undefined;
    const field = fieldOf(property, wrapped.getSchema() ?? em.schema, em as EntityManager);
    await recordChange(this.ledger, transactionOf(em, this.dialect), { field, key, ...change });
  }
}

/** The value that the statement has written, not the one of the entity, which may have changed meanwhile. */
function writtenBy({ changeSet }: EventArgs<object>, { property }: FieldProperty): StoredFile | null | undefined {
  for (const payload of payloadsOf(changeSet)) {
    // A property that was set to undefined is written as NULL.
    if (property.name in payload) return fileOf(payload[property.name]);
  }
  return undefined;
}

function fileOf(value: unknown): StoredFile | null {
  return isStoredFile(value) ? value : StoredFile.parse(value);
}
