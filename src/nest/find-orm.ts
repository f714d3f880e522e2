import type { MikroORM } from '@mikro-orm/core';
import type { InjectionToken } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { FileFieldError } from '../errors.js';
import type { AttachOptions } from '../fields/attach.js';
import type { Files } from '../fields/files.js';
import { isDefault } from './tokens.js';

/** The tokens under which the modules of TypeORM and MikroORM provide a connection. */
export interface OrmTokens {
  readonly typeorm: InjectionToken;
  readonly mikroOrm: InjectionToken;
}

/**
 * The default connection has a class as its token, which is imported here: an ORM that is not installed has none. The tokens
 * of the other connections are strings that `@nestjs/typeorm` and `@mikro-orm/nestjs` make of the name.
 */
export async function ormTokens(connection: string | undefined): Promise<OrmTokens> {
  if (!isDefault(connection)) return { typeorm: `${connection}DataSource`, mikroOrm: `${connection}_MikroORM` };
  const [typeorm, core] = await Promise.all([
    installed(() => import('typeorm')),
    installed(() => import('@mikro-orm/core')),
  ]);
  return { typeorm: typeorm?.DataSource ?? 'TypeORM', mikroOrm: core?.MikroORM ?? 'MikroORM' };
}

async function installed<Package>(load: () => Promise<Package>): Promise<Package | undefined> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Attaches the files to the ORM that was found. */
export async function attachToOrm(
  connection: string | undefined,
  dataSource: unknown,
  orm: unknown,
  options: AttachOptions,
): Promise<Files> {
  const called = isDefault(connection) ? '' : ` called "${connection}"`;
  if (dataSource && orm) {
    throw new FileFieldError(
      'invalid_option',
      `FilesModule found a TypeORM data source and a MikroORM instance${called}: give one of them a name of its own, and FilesModule the option "connection" for it.`,
    );
  }
  if (dataSource) {
    const { attachFiles } = await import('../orm/typeorm/index.js');
    return attachFiles(dataSource as DataSource, options);
  }
  if (orm) {
    const { attachFiles } = await import('../orm/mikro-orm/index.js');
    return attachFiles(orm as MikroORM, options);
  }
  throw new FileFieldError(
    'invalid_option',
    `FilesModule found no TypeORM data source and no MikroORM instance${called}: import TypeOrmModule.forRoot() or MikroOrmModule.forRoot() beside it, or set the option "connection" to the name that you gave there.`,
  );
}
