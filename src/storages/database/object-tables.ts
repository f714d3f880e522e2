import type { Dialect, DialectName, Statements } from '../../ledger/dialect.js';
import * as dialects from '../../ledger/dialects/index.js';

/** The names of the tables in which `databaseStorage` keeps objects, for a schema tool that must leave them alone. */
export const fileObjectTables = ['file_object', 'file_chunk'] as const;

/**
 * The statements that make the tables of `databaseStorage`, and those that drop them, for migrations written in SQL. In a
 * migration of TypeORM or MikroORM call `createFileObjects` instead. Tables that exist already are left as they are.
 *
 * @example
 * ```ts
 * import { fileObjectSchema } from 'filefield';
 *
 * for (const statement of fileObjectSchema('postgres').create) console.log(`${statement};`);
 * ```
 */
export function fileObjectSchema(dialect: DialectName): Statements {
  const { table, types } = dialects[dialect];
  return {
    create: [...table('file_object', objectColumns(types), {}), ...table('file_chunk', chunkColumns(types), {})],
    drop: fileObjectTables.map((name) => `DROP TABLE ${name}`).reverse(),
  };
}

/**
 * `unfinished` is empty once the object is complete, until then it has the id: so the key of a complete object is unique, and
 * writes that have not ended share it. `modified` is in milliseconds since 1970. An object of one chunk has its bytes here.
 */
function objectColumns({ bytes, key }: Dialect['types']): readonly string[] {
  return [
    'id varchar(36) NOT NULL PRIMARY KEY',
    'space varchar(64) NOT NULL',
    `object_key ${key} NOT NULL`,
    'unfinished varchar(36) NOT NULL',
    'size bigint',
    'modified bigint NOT NULL',
    'chunk_size integer NOT NULL',
    'type text',
    'disposition text',
    `bytes ${bytes}`,
    'UNIQUE (space, object_key, unfinished)',
  ];
}

/** The chunks of a larger object, which are deleted with it. */
function chunkColumns({ bytes }: Dialect['types']): readonly string[] {
  return [
    'object_id varchar(36) NOT NULL',
    'number integer NOT NULL',
    `bytes ${bytes} NOT NULL`,
    'PRIMARY KEY (object_id, number)',
    'FOREIGN KEY (object_id) REFERENCES file_object (id) ON DELETE CASCADE',
  ];
}
