import type {
  EntityMetadata,
  EntitySubscriberInterface,
  InsertEvent,
  ObjectLiteral,
  QueryRunner,
  RecoverEvent,
  RemoveEvent,
  SoftRemoveEvent,
  UpdateEvent,
} from 'typeorm';
import type { Copies } from '../../fields/copies.js';
import { recordChange, type FieldChange } from '../../fields/changes.js';
import { checkValue, type FileField } from '../../fields/field.js';
import type { Dialect } from '../../ledger/dialect.js';
import type { Ledger } from '../../ledger/ledger.js';
import { isStoredFile } from '../../file/stored-file.js';
import { transactionOf } from './database.js';
import { keyOf, valueOf, type FieldColumn } from './entity-values.js';

/**
 * Records in the ledger what TypeORM writes, in the same transaction, after the row. It does no I/O except SQL, and it needs
 * no hook for commit and rollback: the ledger's rows are part of the transaction.
 */
export class FileSubscriber implements EntitySubscriberInterface {
  constructor(
    private readonly ledger: Ledger,
    private readonly dialect: Dialect,
    private readonly columns: (metadata: EntityMetadata) => readonly FieldColumn[],
    private readonly copies: Copies,
  ) {}

  async beforeInsert(event: InsertEvent<ObjectLiteral>): Promise<void> {
    await this.#copy(event, undefined);
    await this.#reserve(event);
  }

  async beforeUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    await this.#copy(event, event.databaseEntity as ObjectLiteral | undefined);
    await this.#reserve(event);
  }

  async afterInsert(event: InsertEvent<ObjectLiteral>): Promise<void> {
    const key = isGuessed(event) ? undefined : keyOf(event.metadata, event.entity, event.entityId);
    for (const { column, field } of this.columns(event.metadata)) {
      const current = checkValue(valueOf(column, event.entity), field.options);
      if (current) await this.#record(event.queryRunner, field, key, { kind: 'insert', current });
    }
  }

  async afterUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    // Only save() knows the row that it found; update() and query builders give the values that were set and no key.
    const saved = event.databaseEntity as ObjectLiteral | undefined;
    for (const { column, field } of this.columns(event.metadata)) {
      const value = valueOf(column, event.entity);
      // After a partial save the entity holds null for columns that were not written, so the diff decides.
      const touched = saved ? event.updatedColumns.includes(column) : value !== undefined;
      if (!touched) continue;
      const key = saved ? keyOf(event.metadata, event.entity, saved) : keyOf(event.metadata, event.entity);
      const previous = saved ? (valueOf(column, saved) as never) : undefined;
      const current = checkValue(value, field.options);
      await this.#record(event.queryRunner, field, key, { kind: 'update', current, previous });
    }
  }

  async afterRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    await this.#release(event, 'delete');
  }

  async afterSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    await this.#release(event, 'soft-delete');
  }

  /** A row that is restored needs its bytes: if they have been deleted, this throws and the row stays deleted. */
  async afterRecover(event: RecoverEvent<ObjectLiteral>): Promise<void> {
    const row = (event.databaseEntity ?? event.entity) as ObjectLiteral | undefined;
    const key = keyOf(event.metadata, row, event.entityId);
    for (const { column, field } of this.columns(event.metadata)) {
      const current = checkValue(valueOf(column, row), field.options);
      if (current) await this.#record(event.queryRunner, field, key, { kind: 'restore', current });
    }
  }

  /** Copies files of other rows where the field's policy is `copy`. TypeORM builds the SQL after this hook. */
  async #copy(
    event: InsertEvent<ObjectLiteral> | UpdateEvent<ObjectLiteral>,
    saved: ObjectLiteral | undefined,
  ): Promise<void> {
    const { entity, metadata, queryRunner } = event;
    for (const { column, field } of this.columns(metadata)) {
      const file = valueOf(column, entity);
      if (!entity || !isStoredFile(file) || file.equals(valueOf(column, saved))) continue;
      const transaction = queryRunner.isTransactionActive ? transactionOf(queryRunner, this.dialect) : undefined;
      const own = await this.copies.ownFile({ field, file, key: keyOf(metadata, saved), transaction });
      if (own !== file) column.setEntityValue(entity, own);
    }
  }

  async #release(event: RemoveEvent<ObjectLiteral>, kind: 'delete' | 'soft-delete'): Promise<void> {
    // The entity has no key any more.
    const row = event.databaseEntity as ObjectLiteral | undefined;
    const key = keyOf(event.metadata, row, event.entityId);
    for (const { column, field } of this.columns(event.metadata)) {
      const previous = valueOf(column, row) as never;
      await this.#record(event.queryRunner, field, key, { kind, current: null, previous });
    }
  }

  /** insert(), update() and query builders commit at once; after the row it would be too late to refuse a swept file. */
  async #reserve({ queryRunner: runner, metadata, entity }: InsertEvent<ObjectLiteral> | UpdateEvent<ObjectLiteral>) {
    if (runner.isTransactionActive) return;
    for (const { column, field } of this.columns(metadata)) {
      const file = checkValue(valueOf(column, entity), field.options);
      if (file) await this.ledger.reserve(transactionOf(runner, this.dialect), file.toDescriptor());
    }
  }

  async #record(
    runner: QueryRunner,
    field: FileField,
    key: readonly unknown[] | undefined,
    change: Omit<FieldChange, 'field' | 'key'>,
  ): Promise<void> {
    await recordChange(this.ledger, transactionOf(runner, this.dialect), { field, key, ...change });
  }
}

/**
 * True if the key of a new row is TypeORM's guess: insert() and upsert() count up from the last key that the driver
 * reported, which belongs to another row when rows were updated instead. Where the database returns keys, they are right.
 */
function isGuessed({ metadata, entityId, queryRunner }: InsertEvent<ObjectLiteral>): boolean {
  const { driver } = queryRunner.manager.connection;
  const counted = metadata.primaryColumns.some(({ generationStrategy }) => generationStrategy === 'increment');
  return entityId === undefined && counted && !driver.isReturningSqlSupported('insert');
}
