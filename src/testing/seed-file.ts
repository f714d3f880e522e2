import type { Files } from '../fields/files.js';
import type { StageOptions } from '../fields/stage.js';
import type { UploadSource } from '../fields/upload-source.js';
import type { EntityRef, FileFieldOf } from '../file/entity.js';
import type { StoredFile } from '../file/stored-file.js';
import { raw, sql } from '../ledger/sql.js';
import * as states from '../ledger/states.js';

/** Milliseconds. */
const day = 86_400_000;

/**
 * A staged file for a row of a test: assign it, and save the row. It waits for its row for a day, whatever the lease is, so
 * that it may be made once for many tests. The source is bytes or text, or any other that `files.stage` takes; the rules of the
 * field are applied. Throws what `files.stage` throws.
 *
 * @example
 * ```ts
 * import type { Files, StoredFile } from 'filefield';
 * import { seedFile } from 'filefield/testing';
 *
 * declare const files: Files;
 * declare class Document { file: StoredFile | null }
 * const file = await seedFile(files, Document, 'file', 'some text', { name: 'plan.txt' });
 * ```
 */
export async function seedFile<Entity extends object>(
  files: Files,
  entity: EntityRef<Entity>,
  field: FileFieldOf<Entity>,
  source: UploadSource,
  options: StageOptions = {},
): Promise<StoredFile> {
  const file = await files.stage(entity, field, source, options);
  const { recorded, database } = files.ledger;
  if (recorded) {
    const renewal = states.renew(raw(database.dialect.now), day);
    await database.execute(states.update(renewal, sql`id = ${file.id}`));
  }
  return file;
}
