import {
  Inject,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { defer, lastValueFrom, type Observable } from 'rxjs';
import type { EntityRef, FileFieldOf } from '../file/entity.js';
import type { StoredFile } from '../file/stored-file.js';
import type { FormFields } from '../fields/forms/collector.js';
import { boundaryOf, type FormRequest } from '../fields/forms/form-request.js';
import { formLimits, type ReceiveOptions } from '../fields/forms/limits.js';
import type { Files } from '../fields/files.js';
import { describeForm } from './openapi.js';
import { restoreFiles, withReceived, type ReceivedValues } from './received.js';
import { getFilesToken } from './tokens.js';

/** Options of `@ReceiveFiles()`: the limits of the form, and whose files they are. */
export interface ReceiveFilesOptions<Field extends string = string, Raw = unknown> extends Omit<
  ReceiveOptions<Field>,
  'signal' | 'onProgress' | 'context'
> {
  /**
   * What `storage.choose` of the fields gets, such as the tenant: a function of the request, after the guards.
   * @default nothing
   */
  readonly context?: (request: Raw) => unknown;
  /**
   * The name of the connection.
   * @default the connection without a name
   */
  readonly connection?: string;
}

/** A request of Express or Fastify, which gets a body. */
type Receiving = FormRequest & { readonly headers: IncomingHttpHeaders; body?: unknown };

/**
 * Receives a multipart form before the pipes run, so that `@Body()` has its text fields and, under the names of the
 * properties, its stored files: one file, or a list where `maxFiles` is above 1. A property without a file is absent. Guards run
 * before a byte is read; when a pipe, the handler or the save fails, the files are given up. Works on Express and Fastify.
 *
 * It also describes the form for `@nestjs/swagger`, if that is used.
 *
 * The application does not start, with an error `invalid_option`, if the entity has no such field or a limit is out of range.
 *
 * @throws into the exception filters, everything that `files.receive` throws: `too_large` (413), `wrong_type` (415) …
 *
 * @example
 * ```ts
 * import { Body, Controller, Post } from '@nestjs/common';
 * import type { StoredFile } from 'filefield';
 * import { ReceiveFiles } from 'filefield/nest';
 *
 * declare class Document { title: string; file: StoredFile | null }
 * declare class CreateDocument { title: string; file: StoredFile }
 * declare const documents: { save(values: CreateDocument): Promise<Document> };
 *
 * @Controller('documents')
 * export class DocumentsController {
 *   @Post()
 *   @ReceiveFiles(Document, 'file', { maxSize: '20 MB' })
 *   create(@Body() form: CreateDocument) {
 *     return documents.save(form);
 *   }
 * }
 * ```
 */
export function ReceiveFiles<Entity extends object, Field extends FileFieldOf<Entity>, Raw = unknown>(
  entity: EntityRef<Entity>,
  fields: Field | readonly Field[],
  options: ReceiveFilesOptions<NoInfer<Field>, Raw> = {},
): MethodDecorator {
  const { connection, context, ...limits } = options;
  const names: readonly string[] = [fields].flat() as Field[];
  const most = (field: string) =>
    typeof limits.maxFiles === 'object' ? limits.maxFiles[field as Field] : limits.maxFiles;
  const many = Object.fromEntries(names.map((field) => [field, (most(field) ?? 1) > 1]));
  const form = { entity: entity as EntityRef, names, many, limits: limits as ReceiveOptions };
  const intercept = UseInterceptors(receiving(connection, form, context as ReceiveFilesOptions['context']));
  return (prototype, method, descriptor) => {
    const handler = descriptor.value as unknown as Handler;
    const restored = withOriginals(handler);
    descriptor.value = restored as never;
    describeForm(prototype, method, restored, many);
    intercept(prototype, method, descriptor);
  };
}

type Handler = (this: unknown, ...values: unknown[]) => unknown;

/** The handler, with the files that were received in place of copies. Nest finds its own marks on it. */
function withOriginals(handler: Handler): Handler {
  const restored: Handler = function (...values) {
    return handler.apply(this, values.map(restoreFiles));
  };
  for (const key of Reflect.getOwnMetadataKeys(handler) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, handler), restored);
  }
  return Object.defineProperties(restored, { name: { value: handler.name }, length: { value: handler.length } });
}

/** What a route receives. */
interface Form {
  readonly entity: EntityRef;
  readonly names: readonly string[];
  /** Whether a property may have several files. */
  readonly many: Readonly<Record<string, boolean>>;
  readonly limits: ReceiveOptions;
}

function receiving(
  connection: string | undefined,
  { entity, names, many, limits }: Form,
  contextOf: ReceiveFilesOptions['context'],
): Type<NestInterceptor> {
  @Injectable()
  class ReceivingInterceptor implements NestInterceptor {
    constructor(@Inject(getFilesToken(connection)) private readonly files: Files) {
      for (const name of names) files.checkFileField(entity, name);
      formLimits(limits, names);
    }

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      const request = context.switchToHttp().getRequest<Receiving>();
      const handle = async (staged: Readonly<Record<string, readonly StoredFile[]>>, fields: FormFields) => {
        const values = valuesOf(staged, many);
        request.body = { ...fields, ...values };
        return withReceived(values, () => lastValueFrom(next.handle(), { defaultValue: undefined }));
      };
      return defer(async () => {
        // Nest has parsed bodies of JSON before: for a client that sends one, its type is wrong.
        boundaryOf(request.headers['content-type'] ?? '');
        return this.#receive(request, { ...limits, context: await contextOf?.(request) }, handle);
      });
    }

    /** A field may be called `files` or `fields` if it is received alone. */
    #receive(
      request: FormRequest,
      options: ReceiveOptions,
      handle: (staged: Readonly<Record<string, readonly StoredFile[]>>, fields: FormFields) => Promise<unknown>,
    ): Promise<unknown> {
      const [only, ...others] = names as readonly never[];
      return only !== undefined && others.length === 0
        ? this.files.receive(request, entity, only, options, ({ files, fields }) => handle({ [only]: files }, fields))
        : this.files.receive(request, entity, names as readonly never[], options, ({ files, fields }) =>
            handle(files, fields),
          );
    }
  }
  return ReceivingInterceptor;
}

/** A property without a file is absent: null would delete the file of a row that the body is assigned to. */
function valuesOf(
  staged: Readonly<Record<string, readonly StoredFile[]>>,
  many: Readonly<Record<string, boolean>>,
): ReceivedValues {
  const present = Object.entries(staged).filter(([, files]) => files.length > 0);
  return Object.fromEntries(present.map(([name, files]) => [name, many[name] ? files : files[0]!]));
}
