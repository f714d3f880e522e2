import {
  createParamDecorator,
  Inject,
  Injectable,
  Res,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { EntityRef } from '../file/entity.js';
import type { Files } from '../fields/files.js';
import type { DownloadHandler } from '../response/download.js';
import type { RunOptions } from '../send/run.js';
import { objectView, type ObjectViewOptions } from '../views/object-view.js';
import { answerWith, type Answer } from './answer.js';
import type { FilesModuleOptions } from './files-lifecycle.js';
import { getFilesToken, getOptionsToken } from './tokens.js';

/** Options of `@Download()`: those of `objectView` and of an adapter. The handler authorises. */
export interface DownloadOptions<Entity, Raw = unknown>
  extends Omit<ObjectViewOptions<Entity, Raw>, 'authorize'>, RunOptions<Raw> {
  /**
   * The name of the connection.
   * @default the connection without a name
   */
  readonly connection?: string;
}

/** The rows of requests that are being answered, for `@DownloadedRow()`. */
const rows = new WeakMap<object, unknown>();

/**
 * Makes a route serve a file field of one row, as `objectView` does, with ranges, conditional requests and deliveries. Guards
 * and exception filters apply. The handler runs once the row is found: it refuses by an exception, such as Nest's
 * `NotFoundException`, or by `false`, and its other results are not used. Works on Express and Fastify.
 *
 * The application does not start, with an error `invalid_option`, if the entity has no such field or column.
 *
 * @example
 * ```ts
 * import { Controller, Get, NotFoundException, Req } from '@nestjs/common';
 * import type { StoredFile } from 'filefield';
 * import { Download, DownloadedRow } from 'filefield/nest';
 *
 * declare class Document { slug: string; ownerId: number; file: StoredFile | null }
 * declare class LoggedIn { user: { id: number } }
 *
 * @Controller('documents')
 * export class DocumentsController {
 *   @Get(':slug/file')
 *   @Download(Document, { field: 'file', slugField: 'slug' })
 *   file(@DownloadedRow() document: Document, @Req() { user }: LoggedIn) {
 *     if (document.ownerId !== user.id) throw new NotFoundException();
 *   }
 * }
 * ```
 */
export function Download<Entity extends object, Raw = unknown>(
  entity: EntityRef<Entity>,
  options: DownloadOptions<Entity, Raw>,
): MethodDecorator {
  const { connection, ...rest } = options;
  const view = (files: Files, authorize: (request: object, row: Entity) => Promise<boolean>) =>
    objectView<Entity, Raw>(files, entity, {
      ...rest,
      authorize: (request, row) => authorize(request as object, row),
    }) as DownloadHandler;
  const intercept = UseInterceptors(downloading(connection, view, rest as RunOptions<unknown>));
  return (prototype, method, descriptor) => {
    // A handler with a parameter for the response answers by itself: Nest sends nothing after it.
    const types = Reflect.getMetadata('design:paramtypes', prototype, method) as readonly unknown[] | undefined;
    Res()(prototype, method, Math.max((descriptor.value as { length?: number }).length ?? 0, types?.length ?? 0));
    intercept(prototype, method, descriptor);
  };
}

/** The row whose file a route with `@Download()` serves. */
export const DownloadedRow: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => rows.get(context.switchToHttp().getRequest<object>()),
);

type ViewOf = (files: Files, authorize: (request: object, row: object) => Promise<boolean>) => DownloadHandler;

function downloading<Entity extends object>(
  connection: string | undefined,
  viewOf: (files: Files, authorize: (request: object, row: Entity) => Promise<boolean>) => DownloadHandler,
  { onError, idleTimeout }: RunOptions<unknown>,
): Type<NestInterceptor> {
  @Injectable()
  class DownloadInterceptor implements NestInterceptor {
    readonly #answer: Answer;
    readonly #handlers = new WeakMap<object, CallHandler>();

    constructor(
      @Inject(getFilesToken(connection)) files: Files,
      @Inject(getOptionsToken(connection)) { delivery }: FilesModuleOptions,
    ) {
      const view = (viewOf as ViewOf)(files, (request, row) => this.#authorize(request, row));
      this.#answer = answerWith(view, { onError, idleTimeout, ...(delivery && { delivery }) });
    }

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      const http = context.switchToHttp();
      const request = http.getRequest<object>();
      this.#handlers.set(request, next);
      return from(this.#answer(request, http.getResponse<object>()));
    }

    async #authorize(request: object, row: object): Promise<boolean> {
      rows.set(request, row);
      const handler = this.#handlers.get(request)!;
      return (await lastValueFrom(handler.handle(), { defaultValue: undefined })) !== false;
    }
  }
  return DownloadInterceptor;
}
