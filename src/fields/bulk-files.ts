import type { EntityRef, FileFieldOf } from '../file/entity.js';
import { adoptFiles, type AdoptContext } from './adopt.js';
import type { AdoptOptions, AdoptReport } from './adopt-report.js';
import { Finder } from './finder.js';
import { moveFiles, type MoveContext, type MoveOptions, type MoveReport } from './move.js';

/** The methods of `Files` for the files of many rows. */
export class BulkFiles extends Finder {
  readonly #context: MoveContext & AdoptContext;

  /** @internal */
  constructor(context: MoveContext & AdoptContext) {
    super(context.entities);
    this.#context = context;
  }

  /**
   * Moves the files of all rows to another storage while the application runs: a folder becomes a bucket. Let the field name
   * the new storage first, so that new files go there. Costs one pass over the bytes, which are compared with their hash,
   * and one transaction per file; the old objects stay for the grace. Call it again after a failure: it goes on.
   *
   * @throws `wrong_storage` if the old storage is not the one that the ledger knows; `unsupported` without a ledger; and the
   * first failure of a storage or the database, which ends the move.
   *
   * @example
   * ```ts
   * import type { Files } from 'filefield';
   *
   * declare const files: Files;
   * const { moved, missing } = await files.move({ from: 'disk', to: 'bucket', bytesPerSecond: '50 MB' });
   * ```
   */
  async move(options: MoveOptions): Promise<MoveReport> {
    return moveFiles(this.#context, options);
  }

  /**
   * Gives rows that have the path of a file in a column of their own a file field over the object in its place: no byte is
   * copied. Looks at rows whose field is null, 200 at a time. From then on the object is deleted with its row, unless the
   * path of another row of the field leads to it. Costs one pass over the bytes; call it again after a failure: it goes on.
   *
   * @throws `invalid_option` unless exactly one of `key`, `path` and `url` is given that works with the storage; `contested` if another database keeps files in the storage; `unsupported` without a ledger, or for a table whose
   * primary key is neither numbers nor texts; `aborted`; and the first failure of the database or of a storage that does not
   * answer.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   *
   * declare const files: Files;
   * declare class Document { path: string; originalName: string; file: StoredFile | null }
   * const { adopted, missing } = await files.adopt(Document, 'file', {
   *   path: (row) => row.path,
   *   name: (row) => row.originalName,
   * });
   * ```
   */
  async adopt<Entity extends object>(
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    options: AdoptOptions<Entity>,
  ): Promise<AdoptReport> {
    return adoptFiles(this.#context, entity, field, options);
  }

  /** The entity of a name, for commands. Throws `invalid_option` if there is none. @internal */
  entityNamed(name: string): EntityRef {
    return this.#context.entities.named(name);
  }
}
