import type { FileDescriptor } from '../file/descriptor.js';
import { StoredFile, type StoredFileContext } from '../file/stored-file.js';
import type { LedgerConnection } from '../ledger/connection.js';
import { ownerKey } from '../ledger/file-reference.js';
import type { FileField } from './field.js';
import { storagesOf } from './field-options.js';
import { stageUpload, type StageContext } from './stage.js';
import { toUpload } from './upload-source.js';

/** A file that is about to be written to a field, as an ORM's hook reports it. */
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

  /** The file itself if it is free or belongs to this slot, else a staged copy of its bytes. */
  async ownFile({ field, file, key, transaction }: Assignment): Promise<StoredFile> {
    const { ledger } = this.staging;
    if (field.options.copies !== 'copy' || !ledger.recorded) return file;
    // The hook must not wait for a second connection while its transaction holds one: as many hooks as the pool has
    // connections would wait for each other. If the transaction is rolled back, a reconcile reports the copy as unknown.
    const slot = key && { ...field.reference, pk: ownerKey(key) };
    if (!(await ledger.isTaken(transaction ?? ledger.database, file.toDescriptor(), slot))) return file;
    const staging = transaction ? { ...this.staging, intents: transaction } : this.staging;
    const upload = await toUpload(file);
    try {
      const copy = await stageUpload(staging, inStorageOf(file, field), upload);
      return StoredFile.of({ ...copy, ...pictureOf(file) }, { ...this.context, acceptedBy: field.options });
    } finally {
      await upload.close((error) => staging.events.emit('fault', error));
    }
  }
}

/** A copy stays in the storage of its original, where the field may choose: no hook knows the tenant. */
function inStorageOf(file: StoredFile, field: FileField): FileField {
  const { storage } = file.toDescriptor();
  return storagesOf(field.options).includes(storage) ? { ...field, options: { ...field.options, storage } } : field;
}

/** What a descriptor says about a picture: it is true of a copy, too. */
function pictureOf({ width, height }: StoredFile): Pick<FileDescriptor, 'width' | 'height'> {
  return { ...(width && { width }), ...(height && { height }) };
}
