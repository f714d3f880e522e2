import { Expose, Transform } from 'class-transformer';
import type { StoredFileJson } from '../file/stored-file.js';
import { describeProperty } from './openapi.js';

/** Options of `@FileProperty()`. */
export interface FilePropertyOptions<Row> {
  /** The URL of the file of a row, absolute or a path: the route with `@Download()`. Called for rows that have a file. */
  readonly url: (row: Row) => string;
}

/** A file in the JSON of a class with `@FileProperty()`. Each member is exposed, for the strategy `excludeAll`. */
class FileJson implements StoredFileJson {
  @Expose() readonly name: string;
  @Expose() readonly size: number;
  @Expose() readonly type: string;
  @Expose() readonly url: string;

  // Not by `toJSON`: a copy that class-transformer has made, as for `@SerializeOptions({ type })`, has none.
  constructor({ name, size, type }: StoredFileJson, url: string) {
    this.name = name;
    this.size = size;
    this.type = type;
    this.url = url;
  }
}

/**
 * Gives the JSON of a file a `url` beside its name, size and type, where Nest's `ClassSerializerInterceptor` makes the JSON; and
 * describes the property for `@nestjs/swagger`. For entities and for classes of your own. Null stays null. It needs
 * class-transformer; with the strategy `excludeAll` add `@Expose()`.
 *
 * @example
 * ```ts
 * import type { StoredFile } from 'filefield';
 * import { FileProperty } from 'filefield/nest/serializer';
 *
 * export class DocumentView {
 *   slug!: string;
 *   @FileProperty({ url: (document: DocumentView) => `/documents/${document.slug}/file` })
 *   file!: StoredFile | null;
 * }
 * ```
 */
export function FileProperty<Row extends object>({ url }: FilePropertyOptions<Row>): PropertyDecorator {
  const withUrl = Transform(
    ({ value, obj }: { value: StoredFileJson | null | undefined; obj: Row }) => value && new FileJson(value, url(obj)),
    { toPlainOnly: true },
  );
  return (prototype, property) => {
    describeProperty(prototype, String(property), { type: 'object', nullable: true, properties: jsonProperties });
    withUrl(prototype, property);
  };
}

const text = { type: 'string' };
const jsonProperties = { name: text, size: { type: 'integer' }, type: text, url: { ...text, format: 'uri-reference' } };
