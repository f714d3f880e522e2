import { Inject } from '@nestjs/common';

const tokenOf = (what: string, connection?: string) =>
  `${isDefault(connection) ? '' : `${connection}_`}Filefield${what}`;

/** True for the connection that has no name of its own. `default` is what the ORMs' modules call it. */
export function isDefault(connection: string | undefined): connection is undefined | 'default' {
  return connection === undefined || connection === 'default';
}

/**
 * The token of the `Files` of a connection, for `app.get()`, `inject` and tests.
 *
 * @param connection the name of the connection, as in `TypeOrmModule` or the context name of `MikroOrmModule`
 *
 * @example
 * ```ts
 * import type { INestApplication } from '@nestjs/common';
 * import type { Files } from 'filefield';
 * import { getFilesToken } from 'filefield/nest';
 *
 * declare const app: INestApplication;
 * const files = app.get<Files>(getFilesToken());
 * ```
 */
export function getFilesToken(connection?: string): string {
  return tokenOf('Files', connection);
}

/**
 * The token of the storages of a connection: override it in tests.
 *
 * @param connection the name of the connection, as in `TypeOrmModule` or the context name of `MikroOrmModule`
 *
 * @example
 * ```ts
 * import { Test } from '@nestjs/testing';
 * import { getStoragesToken } from 'filefield/nest';
 * import { MemoryStorage } from 'filefield/storages/memory';
 *
 * declare class AppModule {}
 * const building = Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getStoragesToken())
 *   .useValue({ documents: new MemoryStorage() });
 * ```
 */
export function getStoragesToken(connection?: string): string {
  return tokenOf('Storages', connection);
}

/** The token of the options of a `FilesModule`. */
export function getOptionsToken(connection?: string): string {
  return tokenOf('Options', connection);
}

/**
 * Injects the `Files` of a connection.
 *
 * @param connection the name of the connection, as in `TypeOrmModule` or the context name of `MikroOrmModule`
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import type { Files } from 'filefield';
 * import { InjectFiles } from 'filefield/nest';
 *
 * @Injectable()
 * export class Reports {
 *   constructor(@InjectFiles() private readonly files: Files) {}
 * }
 * ```
 */
export function InjectFiles(connection?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getFilesToken(connection));
}
