import type { Options } from '@mikro-orm/core';
import path from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';

/** A database of its own, which is deleted afterwards. */
export interface Database {
  readonly kind: Kind;
  /** A file, or a name on the server. */
  readonly name: string;
}

export type Kind = 'sqlite' | 'postgres' | 'mariadb';

export const databaseTitles: Readonly<Record<Kind, string>> = {
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
  mariadb: 'MariaDB',
};

const servers = {
  postgres: { host: '127.0.0.1', port: Number(process.env.PGPORT ?? 5432), username: process.env.PGUSER ?? 'postgres' },
  mariadb: { host: '127.0.0.1', port: Number(process.env.MARIADB_PORT ?? 3306), username: 'root' },
};

/** Undefined if the server does not answer. */
export async function createDatabase(
  kind: Kind,
  folder: string,
): Promise<(Database & { readonly drop: () => Promise<void> }) | undefined> {
  const name = `ff_bench_${process.pid}_${Date.now().toString(36)}`;
  if (kind === 'sqlite') return { kind, name: path.join(folder, `${name}.db`), drop: async () => undefined };
  const database = kind === 'postgres' ? (process.env.PGDATABASE ?? 'test') : 'test';
  const admin = new DataSource({ type: kind, ...servers[kind], database });
  try {
    await admin.initialize();
  } catch (error) {
    console.error(`${databaseTitles[kind]} is left out: ${(error as Error).message}`);
    return undefined;
  }
  await admin.query(`CREATE DATABASE ${name}`);
  const drop = async () => {
    await admin.query(`DROP DATABASE ${name}${kind === 'postgres' ? ' WITH (FORCE)' : ''}`);
    await admin.destroy();
  };
  return { kind, name, drop };
}

export function typeormOptions({ kind, name }: Database): DataSourceOptions {
  if (kind === 'sqlite') return { type: 'sqlite', database: name, enableWAL: true };
  return { type: kind, ...servers[kind], database: name };
}

/** Options of MikroORM, which has a package for each database. */
export async function mikroOptions({ kind, name: dbName }: Database): Promise<Options> {
  if (kind === 'sqlite') return { driver: (await import('@mikro-orm/sqlite')).SqliteDriver, dbName };
  const { username: user, host, port } = servers[kind];
  const server = { dbName, user, host, port };
  if (kind === 'postgres') return { driver: (await import('@mikro-orm/postgresql')).PostgreSqlDriver, ...server };
  return { driver: (await import('@mikro-orm/mariadb')).MariaDbDriver, ...server };
}
