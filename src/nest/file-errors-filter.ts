import { Catch, Logger, Optional, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isFileFieldError } from '../errors.js';
import { errorAnswer, errorStatus, isHttpError, type FileErrorsOptions } from '../response/http-error.js';

/** What the filter catches. Not by its class, since each copy of this package has one of its own. */
abstract class FileError {
  static [Symbol.hasInstance](error: unknown): boolean {
    return isFileFieldError(error) || (isHttpError(error) && isFileFieldError(error.cause));
  }
}

/** What responses of Express and replies of Fastify have in common. */
interface AnyResponse {
  readonly headersSent?: boolean;
  readonly sent?: boolean;
  status(code: number): this;
  header(name: string, value: string): this;
  send(body: object): unknown;
}

/**
 * An exception filter that answers failures of uploads and downloads with their status and JSON: `{ statusCode: 413, error:
 * 'Payload Too Large', code: 'too_large', message: 'The file is larger than …', field: 'file', rule: 'maxSize', limit: 20000000 }`.
 * A failure of the server, 500 and above, is logged once, as Nest does it, and its message is not sent. Other exceptions are
 * left to other filters. `new FileErrorsFilter({ problemDetails: true })` answers with problem details of RFC 9457.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { APP_FILTER } from '@nestjs/core';
 * import { FileErrorsFilter } from 'filefield/nest';
 *
 * @Module({ providers: [{ provide: APP_FILTER, useClass: FileErrorsFilter }] })
 * export class AppModule {}
 * ```
 */
@Catch(FileError)
export class FileErrorsFilter implements ExceptionFilter {
  // The name under which Nest logs what no filter has caught.
  readonly #logger = new Logger('ExceptionsHandler');
  readonly #options: FileErrorsOptions;

  /** @param options how it answers; Nest gives none */
  constructor(@Optional() options: FileErrorsOptions = {}) {
    this.#options = options;
  }

  /** Answers an exception. */
  catch(exception: unknown, host: ArgumentsHost): void {
    // A gateway, a microservice and GraphQL have answers of their own.
    if (host.getType() !== 'http') throw exception;
    const cause = isHttpError(exception) ? exception.cause : exception;
    if (errorStatus(cause) >= 500) this.#logger.error(cause);
    const response = host.switchToHttp().getResponse<AnyResponse>();
    if (response.headersSent || response.sent) return;
    const { status, headers, body } = errorAnswer(cause, this.#options);
    response.status(status);
    for (const [name, value] of Object.entries(headers)) response.header(name, value);
    response.send(body);
  }
}
