import { FileFieldError } from '../errors.js';
import { columnValue, type ColumnKind } from '../file/column.js';
import type { EntityRef, FileFieldOf, ObjectFinder } from '../file/entity.js';
import type { FileSource } from '../file/file.js';
import type { DownloadHandler } from '../response/download.js';
import type { DownloadRequest } from '../response/request.js';
import { viewOf } from './download-view.js';
import type { DownloadViewOptions } from './view-options.js';

type Conditions = Readonly<Record<string, unknown>>;

/** Options of `objectView`. */
export interface ObjectViewOptions<Entity, Raw> extends DownloadViewOptions<Raw, Entity> {
  /** The file field to serve. */
  readonly field: FileFieldOf<Entity>;
  /**
   * The column that is compared with the route parameter.
   * @default the primary key, whatever its name is
   */
  readonly slugField?: keyof Entity & string;
  /**
   * The name of the route parameter.
   * @default the name of `slugField`; without one, 'id'
   */
  readonly param?: string;
  /**
   * The name of a second route parameter that must equal the primary key. With both, clients cannot find documents by
   * counting up the id in a URL such as `/documents/7-some-title`.
   * @default none: `slugField` alone finds the row
   */
  readonly idParam?: string;
  /**
   * Further conditions of the query, in the syntax of the ORM, operators and relations included: `{ tenant: 'a' }`,
   * `{ owner: { tenant: 'a' } }`. Null, or a value among them that is null or undefined, answers 404, so that a missing
   * value never widens the scope. To match a column that is null, use the ORM's operator.
   */
  readonly where?: (request: Raw) => Conditions | null | Promise<Conditions | null>;
  /** Relations to load with the row, for `authorize` and the other functions. */
  readonly relations?: readonly (keyof Entity & string)[];
  /**
   * Whether the row may be read from a replica of the database, if the ORM is configured with one. It takes the query of each
   * download off the primary. WARNING: as long as the replica lags behind, the view answers 404 after an upload, serves the
   * file that was replaced, and authorises against the row as it was.
   * @default false: always from the primary
   */
  readonly replica?: boolean;
}

/** A column of the query and the route parameter that it is compared with. */
interface Lookup {
  readonly column: string;
  readonly param: string;
  readonly kind: ColumnKind;
}

/**
 * A view that serves a file field of one row, which is found by its primary key or by a slug. Answers 404 if there is no
 * such row, if the parameter cannot be a value of the column, if the field is empty, and if the bytes are missing. Costs
 * one query, which is the only I/O for 304, HEAD and a delivery.
 *
 * @param files the `Files` of `attachFiles`
 * @throws `invalid_option` if the entity has no such field or column, or if `idParam` has no `slugField`
 *
 * @example
 * ```ts
 * import { objectView, type ObjectFinder, type StoredFile } from 'filefield';
 *
 * declare const files: ObjectFinder;
 * declare class Document { slug: string; ownerId: number; file: StoredFile | null }
 * const view = objectView(files, Document, { field: 'file', slugField: 'slug' });
 * ```
 */
export function objectView<Entity extends object, Raw = unknown>(
  files: ObjectFinder,
  entity: EntityRef<Entity>,
  options: ObjectViewOptions<Entity, Raw>,
): DownloadHandler<Raw> {
  files.checkFileField(entity, options.field);
  const lookups = lookupsOf(files, entity, options);
  return viewOf('object')(async (request: DownloadRequest<Raw>) => {
    const where: Record<string, unknown> = {};
    for (const { column, param, kind } of lookups) {
      const text = routeParam(request, param);
      const value = text === undefined ? undefined : columnValue(kind, text);
      if (value === undefined) return null;
      where[column] = value;
    }
    const scope = options.where && (await options.where(request.raw));
    if (options.where && !isComplete(scope)) return null;
    const { relations, replica } = options;
    const object = await files.findObject(entity, where, { relations, scope: scope ?? {}, replica });
    return object && { subject: object, file: () => object[options.field as keyof Entity] as FileSource | null };
  }, options);
}

function lookupsOf<Entity extends object, Raw>(
  files: ObjectFinder,
  entity: EntityRef<Entity>,
  { slugField, param, idParam }: ObjectViewOptions<Entity, Raw>,
): readonly Lookup[] {
  const lookup = (column: string, name: string) => ({
    column,
    param: name,
    kind: files.columnKind(entity, column),
  });
  const first = lookup(slugField ?? files.primaryKey(entity), param ?? slugField ?? 'id');
  if (idParam === undefined) return [first];
  const primaryKey = files.primaryKey(entity);
  if (slugField === undefined || slugField === primaryKey) {
    throw new FileFieldError('invalid_option', 'The option "idParam" needs a "slugField" that is not the primary key.');
  }
  return [first, lookup(primaryKey, idParam)];
}

/**
 * The value of a route parameter; undefined for an optional one that the URL does not have. A route without the parameter
 * is a mistake in the program, not in the request. A wildcard has a list of segments.
 */
function routeParam({ params }: DownloadRequest, name: string): string | undefined {
  const value = params[name];
  if (typeof value === 'string') return value;
  // A guard of the router has not seen a slash within a segment.
  if (value !== undefined) return value.some((segment) => segment.includes('/')) ? undefined : value.join('/');
  if (name in params) return undefined;
  throw new FileFieldError(
    'invalid_option',
    `The route has no parameter ":${name}". Mount the view on a path with it, or set the option "param".`,
  );
}

/**
 * True if every condition has a value. Undefined or null would be no condition in one ORM and "is null" in another, so the
 * scope would be wider than intended. Operators of the ORM, names that begin with `$`, are not inspected.
 */
function isComplete(conditions: unknown): boolean {
  if (conditions === undefined || conditions === null) return false;
  if (Array.isArray(conditions)) return conditions.every(isComplete);
  if (!isPlainObject(conditions)) return true;
  return Object.entries(conditions).every(([name, value]) => name.startsWith('$') || isComplete(value));
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
