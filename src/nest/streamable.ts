import { StreamableFile } from '@nestjs/common';
import type { StoredFile } from '../file/stored-file.js';
import { contentDisposition } from '../http/disposition.js';
import { errorBody, errorStatus } from '../response/http-error.js';

/** Options of `toStreamable`. */
export interface ToStreamableOptions {
  /**
   * `inline` to show the file in the browser. WARNING: a page that somebody uploaded then runs its scripts in your origin;
   * `@Download()` prevents that.
   * @default 'attachment'
   */
  readonly disposition?: 'attachment' | 'inline';
  /**
   * The name under which the client saves it.
   * @default the name of the file
   */
  readonly name?: string;
}

/**
 * A stored file as Nest's `StreamableFile`, with its type, length and name. For a handler that returns one; `@Download()` also
 * has ranges, conditional requests and deliveries. The file is opened when it is sent: one that is missing is answered with
 * 404 on Express, and with 500 on Fastify.
 *
 * @example
 * ```ts
 * import type { StoredFile } from 'filefield';
 * import { toStreamable } from 'filefield/nest';
 *
 * declare const document: { file: StoredFile };
 * const download = () => toStreamable(document.file);
 * ```
 */
export function toStreamable(file: StoredFile, options: ToStreamableOptions = {}): StreamableFile {
  const { disposition = 'attachment', name = file.name } = options;
  const streamable = new StreamableFile(file.stream(), {
    type: file.type,
    length: file.size,
    disposition: contentDisposition(disposition, name),
  });
  return streamable.setErrorHandler((error, response) => {
    if (response.destroyed) return;
    // An end would look complete, or leave a client waiting for the bytes that the length has promised.
    if (response.headersSent) return response.destroy?.();
    response.statusCode = errorStatus(error);
    response.send(JSON.stringify(errorBody(error)));
  });
}
