import type { LedgerConnection } from '../ledger/connection.js';
import { ownerKey } from '../ledger/reference.js';
import { StoredFile, type StoredFileContext } from '../file/stored-file.js';
import { toUpload } from '../file/upload.js';
import type { FileField } from './field.js';
import { stageUpload, type StageContext } from './stage.js';

/** A file that is about to be written to a field, as an ORM's before-hook tells it. */
export interface Assignment {
  readonly field: FileField;
  readonly file: StoredFile;
  /** The row's primary key; undefined where it has none yet. */
  readonly key: readonly unknown[] | undefined;
  /** The transaction that the row is written in; undefined outside of one. */
  readonly transaction: LedgerConnection | undefined;
}

/** The policy `copies: 'copy'`: a file that another row or field has is copied while the row is saved. */
export class Copies {
  constructor(
    private readonly staging: StageContext,
    private readonly context: StoredFileContext,
  ) {}

  /** The file itself where it is free or the slot's own, else a staged copy of its bytes. */
  async ownFile({ field, file, key, transaction }: Assignment): Promise<StoredFile> {
    const { ledger } = this.staging;
    if (field.options.copies !== 'copy' || !ledger.recorded) return file;
    // One connection for all: from inside a transaction it can only be asked as a part of it.
    const joined = ledger.database.shared ? transaction : undefined;
    const holder = await ledger.holder(joined ?? ledger.database, file.toDescriptor());
    const { owner, slot } = field.reference;
    if (!holder || (key && holder.owner === owner && holder.pk === ownerKey(key) && holder.slot === slot)) return file;
    const staging = joined ? { ...this.staging, intents: joined } : this.staging;
    return new StoredFile(await stageUpload(staging, field, await toUpload(file)), this.context);
  }
}
