import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { invalidOption } from '../options.js';
import type { AttachOptions } from '../fields/attach.js';
import { FileDownloads } from './file-downloads.js';
import { FilesHealthIndicator } from './files-health-indicator.js';
import { FilesLifecycle, type FilesModuleOptions } from './files-lifecycle.js';
import { attachToOrm, ormTokens } from './find-orm.js';
import { getFilesToken, getOptionsToken, getStoragesToken } from './tokens.js';

/** Which connection a `FilesModule` is for, and who sees it. */
export interface FilesModulePlace {
  /**
   * The name of the connection, as in `TypeOrmModule` or the context name of `MikroOrmModule`.
   * @default the connection without a name
   */
  readonly connection?: string;
  /**
   * False to have the files only in modules that import this one.
   * @default true: every module can inject them, as it can the data source
   */
  readonly isGlobal?: boolean;
}

/** A provider that makes the options of a `FilesModule`. */
export interface FilesOptionsFactory {
  /** Makes the options of a connection. */
  createFilesOptions(connection?: string): FilesModuleOptions | Promise<FilesModuleOptions>;
}

/** The options of `FilesModule.forRootAsync`: one of `useFactory`, `useClass` and `useExisting`. */
export interface FilesModuleAsyncOptions extends FilesModulePlace, Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` gets. */
  readonly inject?: FactoryProvider['inject'];
  /** Makes the options. */
  readonly useFactory?: (...dependencies: never[]) => FilesModuleOptions | Promise<FilesModuleOptions>;
  /** A class that makes the options; the module makes an instance of it. */
  readonly useClass?: Type<FilesOptionsFactory>;
  /** The token of a provider that makes the options. */
  readonly useExisting?: InjectionToken<FilesOptionsFactory>;
}

/**
 * Attaches file fields when the application starts, after the ORM has connected, and provides the `Files` to `@InjectFiles()`,
 * `@ReceiveFiles()` and `@Download()`, `FileDownloads` and a `FilesHealthIndicator`. It finds the data source of `@nestjs/typeorm` or the instance of `@mikro-orm/nestjs` by
 * its token. Sweeps end before the ORM closes, and Fastify leaves multipart forms to `@ReceiveFiles()`.
 *
 * Import it once per connection, in the root module.
 */
@Module({})
export class FilesModule {
  /**
   * The module with options that are known when it is imported. The application does not start, with an error
   * `invalid_option`, if there is no ORM or an option is out of range, and with `database_failed` if the tables of the
   * ledger are missing.
   *
   * @example
   * ```ts
   * import { Module } from '@nestjs/common';
   * import { TypeOrmModule } from '@nestjs/typeorm';
   * import { FilesModule } from 'filefield/nest';
   * import { DiskStorage } from 'filefield/storages/disk';
   *
   * @Module({
   *   imports: [
   *     TypeOrmModule.forRoot({ type: 'postgres', url: process.env.DATABASE_URL, autoLoadEntities: true }),
   *     FilesModule.forRoot({
   *       storages: { documents: new DiskStorage({ root: 'var/documents' }) },
   *       sweepEvery: '5m',
   *     }),
   *   ],
   * })
   * export class AppModule {}
   * ```
   */
  static forRoot(options: FilesModuleOptions & FilesModulePlace): Promise<DynamicModule> {
    const { connection, isGlobal, ...rest } = options;
    return dynamicModule({ connection, isGlobal }, [{ provide: getOptionsToken(connection), useValue: rest }]);
  }

  /**
   * The module with options that other providers know, such as those of a `ConfigService`. Fails as `forRoot` does.
   *
   * @example
   * ```ts
   * import { Module } from '@nestjs/common';
   * import { FilesModule } from 'filefield/nest';
   * import { DiskStorage } from 'filefield/storages/disk';
   *
   * declare class ConfigService { getOrThrow(name: string): string }
   *
   * @Module({
   *   imports: [
   *     FilesModule.forRootAsync({
   *       inject: [ConfigService],
   *       useFactory: (config: ConfigService) => ({
   *         storages: { documents: new DiskStorage({ root: config.getOrThrow('FILES_ROOT') }) },
   *         sweepEvery: '5m',
   *       }),
   *     }),
   *   ],
   * })
   * export class AppModule {}
   * ```
   */
  static forRootAsync(options: FilesModuleAsyncOptions): Promise<DynamicModule> {
    return dynamicModule(options, asyncProviders(options));
  }
}

function asyncProviders({
  connection,
  inject,
  useFactory,
  useClass,
  useExisting,
}: FilesModuleAsyncOptions): Provider[] {
  const provide = getOptionsToken(connection);
  if (useFactory) return [{ provide, useFactory: useFactory as FactoryProvider['useFactory'], inject: inject ?? [] }];
  const factory = useClass ?? useExisting;
  if (!factory) throw invalidOption('FilesModule.forRootAsync() needs "useFactory", "useClass" or "useExisting".');
  return [
    {
      provide,
      useFactory: (made: FilesOptionsFactory) => made.createFilesOptions(connection),
      inject: [factory],
    },
    ...(useClass ? [useClass] : []),
  ];
}

/** A promise, since the token of a data source is a class of a package that may not be installed. */
async function dynamicModule(
  { connection, isGlobal = true, imports = [] }: FilesModulePlace & Pick<ModuleMetadata, 'imports'>,
  options: readonly Provider[],
): Promise<DynamicModule> {
  const files = getFilesToken(connection);
  const storages = getStoragesToken(connection);
  const optionsToken = getOptionsToken(connection);
  const { typeorm, mikroOrm } = await ormTokens(connection);
  const exported: Provider[] = [
    {
      provide: storages,
      useFactory: (given: FilesModuleOptions) => given.storages,
      inject: [optionsToken],
    },
    {
      provide: files,
      useFactory: (
        { sweepEvery: _sweepEvery, delivery: _delivery, ...attach }: FilesModuleOptions,
        registered: AttachOptions['storages'],
        dataSource: unknown,
        orm: unknown,
      ) => attachToOrm(connection, dataSource, orm, { ...attach, storages: registered }),
      inject: [optionsToken, storages, { token: typeorm, optional: true }, { token: mikroOrm, optional: true }],
    },
    {
      provide: FilesHealthIndicator,
      useFactory: (ref: ModuleRef) => new FilesHealthIndicator(ref),
      inject: [ModuleRef],
    },
    {
      provide: FileDownloads,
      useFactory: (ref: ModuleRef) => new FileDownloads(ref),
      inject: [ModuleRef],
    },
  ];
  return {
    module: FilesModule,
    global: isGlobal,
    imports: [...imports],
    providers: [
      ...options,
      ...exported,
      {
        provide: FilesLifecycle,
        useFactory: (...parts: ConstructorParameters<typeof FilesLifecycle>) => new FilesLifecycle(...parts),
        inject: [files, optionsToken, HttpAdapterHost],
      },
    ],
    exports: [optionsToken, files, storages, FilesHealthIndicator, FileDownloads],
  };
}
