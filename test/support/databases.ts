import { connect } from 'node:net';
import type { DataSource } from 'typeorm';

/** A database that the suites run on. SQLite needs nothing; the others need a server on this machine. */
export type DatabaseName = 'sqlite' | 'postgres' | 'mariadb';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export const servers: Readonly<Record<Exclude<DatabaseName, 'sqlite'>, ServerAddress>> = {
  postgres: {
    host: '127.0.0.1',
    port: Number(process.env.PGPORT ?? 5432),
    user: process.env.PGUSER ?? 'postgres',
    database: process.env.PGDATABASE ?? 'test',
  },
  mariadb: { host: '127.0.0.1', port: Number(process.env.MARIADB_PORT ?? 3306), user: 'root', database: 'test' },
};

function isReachable({ host, port }: ServerAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const done = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

/**
 * The databases that can be used here. One that does not respond is skipped with a warning; if the variable `CI` is set,
 * it throws instead.
 */
export async function reachableDatabases(): Promise<readonly DatabaseName[]> {
  const reachable: DatabaseName[] = ['sqlite'];
  for (const name of ['postgres', 'mariadb'] as const) {
    if (await isReachable(servers[name])) reachable.push(name);
    else if (process.env.CI)
      throw new Error(`${name} does not answer on ${servers[name].host}:${servers[name].port}; it is mandatory in CI`);
    else console.warn(`\n*** SKIPPED: ${name} does not answer on ${servers[name].host}:${servers[name].port} ***\n`);
  }
  return reachable;
}

/** Declares a suite for each value; where there is none, a pending test that names what it needs. */
export function describeEach<Value>(
  values: readonly Value[],
  need: string,
  title: string,
  suite: (value: Value) => void,
): void {
  if (values.length > 0) describe.each(values.map((value) => [value] as const))(title, suite);
  else describe(title, () => it.todo(`needs ${need}`));
}

/** Declares a suite for each of these databases that can be used here. */
export async function onDatabases<Name extends DatabaseName>(
  names: readonly Name[],
  title: string,
  suite: (database: Name) => void,
): Promise<void> {
  const reachable = await reachableDatabases();
  describeEach(
    names.filter((name) => reachable.includes(name)),
    names.join(' or '),
    title,
    suite,
  );
}

let counter = 0;

/** A name that no concurrent suite uses. */
export function uniqueName(): string {
  counter += 1;
  return `ff_${process.pid}_${Date.now().toString(36)}_${counter}`;
}

/** A connection to the server itself, not to a database of a suite. */
export async function openServer(database: Exclude<DatabaseName, 'sqlite'>): Promise<DataSource> {
  const typeorm = await import('typeorm');
  const { user: username, ...server } = servers[database];
  return new typeorm.DataSource({ type: database, ...server, username, password: '' }).initialize();
}

/** Creates an empty database. With SQLite, only returns the path of the file. */
export async function createDatabase(
  database: DatabaseName,
  file: string,
): Promise<Partial<ServerAddress> & { readonly name: string; readonly drop: () => Promise<void> }> {
  if (database === 'sqlite') return { name: file, drop: async () => undefined };
  const { host, port, user } = servers[database];
  const admin = await openServer(database);
  const name = uniqueName();
  await admin.query(`CREATE DATABASE ${name}`);
  const drop = async () => {
    await admin.query(`DROP DATABASE ${name}${database === 'postgres' ? ' WITH (FORCE)' : ''}`);
    await admin.destroy();
  };
  return { host, port, user, name, drop };
}
