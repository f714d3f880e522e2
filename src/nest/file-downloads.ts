import type { ModuleRef } from '@nestjs/core';
import { FileFieldError } from '../errors.js';
import type { FileSource } from '../file/file.js';
import type { DownloadHandler } from '../response/download.js';
import type { RunOptions } from '../send/run.js';
import { downloadView } from '../views/download-view.js';
import type { DownloadViewOptions } from '../views/view-options.js';
import { answerWith } from './answer.js';
import type { FilesModuleOptions } from './files-lifecycle.js';
import { getOptionsToken } from './tokens.js';

/** Options of `FileDownloads.send`: those of a view and of an adapter. The handler authorizes. */
export interface SendOptions<Raw = unknown>
  extends Omit<DownloadViewOptions<Raw, FileSource>, 'authorize' | 'onDenied'>, RunOptions<Raw> {
  /**
   * The name of the connection whose `delivery` is used.
   * @default the connection without a name
   */
  readonly connection?: string;
}

/**
 * Answers a GET or HEAD from inside a handler, with ranges, conditional requests and deliveries, on Express and Fastify. For a
 * file that the handler finds by itself; where a row is found by its id or slug, `@Download()` needs no code. `FilesModule`
 * provides it.
 *
 * @example
 * ```ts
 * import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
 * import type { StoredFile } from 'filefield';
 * import { FileDownloads } from 'filefield/nest';
 *
 * declare const orders: { last(user: string): Promise<{ invoice: StoredFile | null } | null> };
 *
 * @Controller('orders')
 * export class OrdersController {
 *   constructor(private readonly downloads: FileDownloads) {}
 *
 *   @Get('last/:user/invoice')
 *   async invoice(@Param('user') user: string, @Req() request: object, @Res() response: object) {
 *     const order = await orders.last(user);
 *     if (!order) throw new NotFoundException('No order yet.');
 *     await this.downloads.send(request, response, order.invoice, { disposition: 'inline' });
 *   }
 * }
 * ```
 */
export class FileDownloads {
  /** @internal */
  constructor(private readonly modules: ModuleRef) {}

  /**
   * Sends a file, or what a view of `filefield` finds, as the response, and resolves when it has ended.
   *
   * Rejects, for the filters of the application, with a failure of the view: `not_found` (404) for null, `missing` (404) if the
   * storage does not have the bytes; and with `invalid_option` for anything but the request and response of the handler.
   *
   * @param request what `@Req()` gives
   * @param response what `@Res()` gives
   * @param what a stored file or another source; a view such as `pathView(…)`; null for a row without a file
   * @param options those of a view and of an adapter; a view that is passed has its own, and needs those of the adapter only
   */
  async send<Raw = unknown>(
    request: object,
    response: object,
    what: FileSource | DownloadHandler<Raw> | null | undefined,
    options: SendOptions<Raw> = {},
  ): Promise<void> {
    if (!isObject(request) || !isObject(response)) {
      throw new FileFieldError(
        'invalid_option',
        'FileDownloads.send() needs what @Req() and @Res() of the handler give.',
      );
    }
    const { connection, ...rest } = options;
    const { onError, idleTimeout } = rest as RunOptions<unknown>;
    const { delivery } = this.modules.get<FilesModuleOptions>(getOptionsToken(connection), { strict: false });
    const view =
      typeof what === 'function'
        ? what
        : downloadView<Raw, FileSource>(async () => (what ? { subject: what, file: () => what } : null), rest);
    const run = { onError, idleTimeout, ...(delivery && { delivery }) };
    await answerWith(view as DownloadHandler, run)(request, response);
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
