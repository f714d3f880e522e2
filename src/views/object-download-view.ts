import type { EntityRef, FileFieldOf, ObjectFinder } from '../file/entity.js';
import { FileFieldError } from '../errors.js';
import type { FileSource } from '../file/file.js';
import type { DownloadRequest } from '../response/request.js';
import type { DownloadHandler } from '../response/download.js';
import { downloadView } from './download-view.js';
import { parseIdentifier } from './identifier.js';
import { isComplete } from './is-complete.js';
import type { DownloadViewOptions } from './view-options.js';
import { routeParam } from './route-param.js';

type Conditions = Readonly<Record<string, unknown>>;

export interface ObjectDownloadViewOptions<Entity, Raw> extends DownloadViewOptions<Raw, Entity> {
  /** The file field to serve. */
  readonly field: FileFieldOf<Entity>;
  /**
   * The column that the route parameter of the same name is looked up in; `id` is the primary key, whatever it is called.
   * @default the primary key
   */
  readonly slugField?: keyof Entity & string;
  /**
   * The route parameter to read.
   * @default the name of `slugField`, or 'id' without one
   */
  readonly param?: string;
  /**
   * Wants both: the slug, and the primary key from the route parameter of this name, so that `/documents/7-some-title`
   * cannot be had by counting.
   */
  readonly idParam?: string;
  /**
   * Conditions that a row must meet besides, in the words of the ORM, operators and relations included: `{ tenant: 'a' }`,
   * `{ owner: { tenant: 'a' } }`. They only ever narrow: null, or a value among them that is null or undefined, means that
   * nothing can match. For columns that are null, use the ORM's operator.
   */
  readonly where?: (request: Raw) => Conditions | null | Promise<Conditions | null>;
  /** Relations to load for `authorize` and the other functions. */
  readonly relations?: readonly (keyof Entity & string)[];
}

/**
 * A view that serves a file field of one row, found by its id or by a slug. No row, an id that cannot be one, an empty
 * field and missing bytes all answer 404. Costs one query; the query is the only I/O for 304, HEAD and a hand-off.
 *
 * Throws `invalid_option` at once when the entity lacks the field or the column.
 *
 * @example
 * ```ts
 * import { objectDownloadView, type ObjectFinder, type StoredFile } from 'filefield';
 *
 * declare const files: ObjectFinder;
 * declare class Document { slug: string; ownerId: number; file: StoredFile | null }
 * const view = objectDownloadView(files, Document, { field: 'file', slugField: 'slug' });
 * ```
 */
export function objectDownloadView<Entity extends object, Raw = unknown>(
  files: ObjectFinder,
  entity: EntityRef<Entity>,
  options: ObjectDownloadViewOptions<Entity, Raw>,
): DownloadHandler<Raw> {
  files.checkFileField(entity, options.field);
  const { slugField, idParam } = options;
  if (idParam !== undefined && (slugField === undefined || slugField === files.primaryKey(entity))) {
    throw new FileFieldError(
      'invalid_option',
      'The option "idParam" is for views with a "slugField", of another column.',
    );
  }
  const param = options.param ?? slugField ?? 'id';
  const wanted = [{ column: slugField ?? files.primaryKey(entity), param }];
  if (idParam !== undefined) wanted.push({ column: files.primaryKey(entity), param: idParam });
  const kinds = wanted.map(({ column }) => files.columnKind(entity, column));

  return downloadView(async (request: DownloadRequest<Raw>) => {
    const values = wanted.map((one, index) => parseIdentifier(kinds[index]!, routeParam(request, one.param)));
    if (values.includes(undefined)) return null;
    const scope = options.where && (await options.where(request.raw));
    if (options.where && !isComplete(scope)) return null;
    const where = Object.fromEntries(wanted.map(({ column }, index) => [column, values[index]]));
    const object = await files.findObject(entity, where, options.relations, scope ?? {});
    return object && { subject: object, file: () => object[options.field as keyof Entity] as FileSource | null };
  }, options);
}
