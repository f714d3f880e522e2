import { FileFieldError } from '../../errors.js';
import type { EntityRef, FileFieldOf } from '../../file/entity.js';
import type { StoredFile } from '../../file/stored-file.js';
import { invalidOption } from '../../options.js';
import type { FileField } from '../field.js';
import { FormCollector, type FileKeeper, type FormFields, type FormTarget } from './collector.js';
import { readFormData } from './form-data.js';
import { formBody, isFormData, type FormRequest } from './form-request.js';
import { formLimits, type ReceiveOptions } from './limits.js';
import type { readMultipart } from './parse-form.js';

/** What a form held, for one file field. */
export interface Received {
  /** The first file of the field; null when none was chosen. */
  readonly file: StoredFile | null;
  /** All files, in the order in which they came. */
  readonly files: readonly StoredFile[];
  /** The text fields. */
  readonly fields: FormFields;
}

/** What a form held, for several file fields: the first file of each, or null when none was chosen. */
export type ReceivedFields<Field extends string> = { readonly [Name in Field]: StoredFile | null } & {
  /** All files of each field, in the order in which they came. */
  readonly files: { readonly [Name in Field]: readonly StoredFile[] };
  /** The text fields. */
  readonly fields: FormFields;
};

/** File fields of an entity, and what each is called in the form. */
export type FormNames<Field extends string> = { readonly [Name in Field]?: string | readonly string[] };

/** `files.receive`. */
export interface Receive {
  /**
   * Receives a multipart form with a file for one field of an entity, and streams the file into its storage: nothing is
   * buffered. The form field has the name of the property, with or without `[]`. Resolves once the whole form has arrived;
   * `file` is null if none was chosen. Call it before anything that parses bodies.
   *
   * Pass a callback, after the options if there are any, to have the files given up if it throws: when a value of the form
   * is not valid, or the row cannot be saved. It resolves to the result of the callback.
   *
   * @throws `limit_exceeded` (422) for too many fields or files, `unexpected_field` (422) for a file in another form field,
   * `too_large` (413), `wrong_type` (415) for a request that is no multipart form, `malformed_upload` and `aborted` (400),
   * `invalid_value` if the body was read before, and everything that `stage` throws; nothing is kept then.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   * import type { IncomingMessage } from 'node:http';
   *
   * declare const files: Files, request: IncomingMessage;
   * declare class Document { file: StoredFile | null }
   * declare function save(values: object): Promise<Document>;
   * const { file, fields } = await files.receive(request, Document, 'file', { maxSize: '20 MB' });
   * const saved = await files.receive(request, Document, 'file', ({ file, fields }) => save({ file, title: fields.title }));
   * ```
   */
  <Entity extends object>(
    request: FormRequest,
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    options?: ReceiveOptions,
  ): Promise<Received>;
  <Entity extends object, Result>(
    request: FormRequest,
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    use: (received: Received) => Result | Promise<Result>,
  ): Promise<Result>;
  <Entity extends object, Result>(
    request: FormRequest,
    entity: EntityRef<Entity>,
    field: FileFieldOf<Entity>,
    options: ReceiveOptions,
    use: (received: Received) => Result | Promise<Result>,
  ): Promise<Result>;
  /**
   * Receives a form with files for several fields of an entity: a list of its properties, or an object that says what each is
   * called in the form. `maxFiles` counts the files of each.
   *
   * @example
   * ```ts
   * import type { Files, StoredFile } from 'filefield';
   * import type { IncomingMessage } from 'node:http';
   *
   * declare const files: Files, request: IncomingMessage;
   * declare class Book { text: StoredFile | null; cover: StoredFile | null }
   * const { text, cover } = await files.receive(request, Book, ['text', 'cover']);
   * const received = await files.receive(request, Book, { text: 'manuscript', cover: ['cover', 'front'] });
   * ```
   */
  <Entity extends object, Field extends FileFieldOf<Entity>>(
    request: FormRequest,
    entity: EntityRef<Entity>,
    fields: readonly Field[] | FormNames<Field>,
    options?: ReceiveOptions<Field>,
  ): Promise<ReceivedFields<Field>>;
  <Entity extends object, Field extends FileFieldOf<Entity>, Result>(
    request: FormRequest,
    entity: EntityRef<Entity>,
    fields: readonly Field[] | FormNames<Field>,
    use: (received: ReceivedFields<Field>) => Result | Promise<Result>,
  ): Promise<Result>;
  <Entity extends object, Field extends FileFieldOf<Entity>, Result>(
    request: FormRequest,
    entity: EntityRef<Entity>,
    fields: readonly Field[] | FormNames<Field>,
    options: ReceiveOptions<Field>,
    use: (received: ReceivedFields<Field>) => Result | Promise<Result>,
  ): Promise<Result>;
}

/** Absent until the first form. */
let parse: typeof readMultipart | undefined;

type Wanted = string | readonly string[] | FormNames<string>;
type Use = (received: Received & ReceivedFields<string>) => unknown;

/** `files.receive` of files that find their fields and keep files like this. */
export function receiver(
  fieldOf: (entity: EntityRef, property: string) => FileField,
  keeper: FileKeeper<StoredFile>,
): Receive {
  const receive = async (
    request: FormRequest,
    entity: EntityRef,
    wanted: Wanted,
    second: ReceiveOptions | Use = {},
    third?: Use,
  ): Promise<unknown> => {
    const [options, use] = typeof second === 'function' ? [{}, second] : [second, third];
    const targets = targetsOf(wanted, (property) => fieldOf(entity, property));
    const properties = targets.map(({ field }) => field.property);
    const form = new FormCollector(targets, keeper, formLimits(options, properties));
    return collect(request, form, options, async () => {
      const kept = await form.files();
      const { fields } = form;
      const received =
        typeof wanted === 'string'
          ? { file: kept.get(wanted)?.[0] ?? null, files: kept.get(wanted) ?? [], fields }
          : { ...mapped(kept, ([file = null]) => file), files: mapped(kept, (files) => files), fields };
      return use ? await use(received as Received & ReceivedFields<string>) : received;
    });
  };
  return receive as Receive;
}

/** Reads a form and does the work. Whatever fails, the files are given up. */
async function collect(
  request: FormRequest,
  form: FormCollector<StoredFile>,
  { signal, onProgress }: ReceiveOptions,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const stop = () =>
    form.stop(new FileFieldError('aborted', 'The upload was ended by its signal.', { cause: signal?.reason }));
  try {
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    // Before the body is opened: an error of it would find no listener while the parser is loaded.
    parse ??= (await import('./parse-form.js')).readMultipart;
    const body = formBody(request);
    await (isFormData(body) ? readFormData(body, form) : parse(body, form, onProgress));
    return await work();
  } catch (error) {
    await form.giveUp(error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function targetsOf(wanted: Wanted, fieldOf: (property: string) => FileField): FormTarget[] {
  const names: [property: string, names: readonly string[]][] =
    typeof wanted === 'string'
      ? [[wanted, named(wanted)]]
      : Array.isArray(wanted)
        ? (wanted as readonly string[]).map((property) => [property, named(property)])
        : Object.entries(wanted as FormNames<string>).map(([property, name = named(property)]) => [
            property,
            [name].flat(),
          ]);
  const all = names.flatMap(([, list]) => list);
  if (names.length === 0 || new Set(all).size < all.length) {
    throw invalidOption('receive() needs at least one file field, and each needs names of its own in the form.');
  }
  const reserved =
    typeof wanted === 'string' ? undefined : names.find(([name]) => name === 'files' || name === 'fields');
  if (reserved)
    throw invalidOption(`The field "${reserved[0]}" can only be received alone: pass its name, not a list.`);
  return names.map(([property, list]) => ({ field: fieldOf(property), names: list }));
}

/** What a file input is called: browsers' code often adds brackets for several files. */
const named = (property: string) => [property, `${property}[]`];

function mapped<Value>(
  kept: ReadonlyMap<string, readonly StoredFile[]>,
  value: (files: readonly StoredFile[]) => Value,
): Record<string, Value> {
  return Object.fromEntries([...kept].map(([property, files]) => [property, value(files)]));
}
