import type { OwnedColumn, PathTable, SearchPaths } from '../owner.js';
import { join, raw, sql, type Sql } from '../sql.js';
import { quote } from './postgres-triggers.js';

const ledger = `to_regclass('file_ledger')`;
const ledgerSchema = raw(
  `(SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ${ledger})`,
);

function ownerOnPath(owner: string, { table, home }: PathTable): Sql {
  const homeSchema = home === undefined ? schemaOf(raw(ledger)) : sql`quote_ident(${text(home)})`;
  const relation = sql`to_regclass(${text(quote(table))})`;
  return ownerOf({ owner: text(owner), table: text(table), home: homeSchema }, relation);
}

function ownerInTrigger(table: string): Sql {
  const name = raw(`'${table.replaceAll("'", "''")}'`);
  const relation = raw('COALESCE(CAST(pg_partition_root(TG_RELID) AS oid), TG_RELID)');
  return ownerOf({ owner: name, table: name, home: schemaOf(raw(ledger)) }, relation);
}

interface Names {
  readonly owner: Sql;
  readonly table: Sql;
  readonly home: Sql;
}

/** Asked in every statement of a file, so without a join: those that plan and open catalogs take five times as long. */
function ownerOf({ owner, table, home }: Names, relation: Sql): Sql {
  const schema = schemaOf(relation);
  const elsewhere = sql`COALESCE((parse_ident(${schema}))[1] || '.' || ${table}, ${owner})`;
  return sql`CASE WHEN ${schema} IS DISTINCT FROM ${home} THEN ${elsewhere} ELSE ${owner} END`;
}

/** The schema of a table, quoted as in SQL; NULL without the table. */
function schemaOf(relation: Sql): Sql {
  return sql`(pg_identify_object(CAST('pg_class' AS regclass), ${relation}, 0)).schema`;
}

function qualified({ owner, table, home }: Names): Sql {
  return sql`CASE WHEN n.nspname = ${home} THEN ${owner} ELSE n.nspname || '.' || ${table} END`;
}

/**
 * The tables of all schemas that have the names and columns of these: those that the search path finds, and those whose rows
 * this ledger would have. Of other types than JSON only the type of the one that is found, since any text may be no JSON.
 */
function tables(columns: readonly OwnedColumn[]): Sql {
  const wanted = columns.map(({ owner, slot, onPath }, index) => {
    const { table = owner, home } = onPath ?? {};
    const found = sql`CAST(to_regclass(${text(quote(table))}) AS oid)`;
    return sql`(CAST(${index} AS integer), ${text(owner)}, ${text(table)}, ${text(slot)}, ${text(home ?? null)}, ${found})`;
  });
  const names = {
    owner: raw('wanted.owner'),
    table: raw('wanted.name'),
    home: sql`COALESCE(wanted.home, ${ledgerSchema})`,
  };
  const json = `CAST('json' AS regtype), CAST('jsonb' AS regtype)`;
  const type = `(SELECT o.atttypid FROM pg_attribute o WHERE o.attrelid = wanted.found AND o.attname = wanted.slot)`;
  const hasLedger = `EXISTS (SELECT 1 FROM pg_class l WHERE l.relname = 'file_ledger' AND l.relnamespace = c.relnamespace AND l.oid <> ${ledger})`;
  const other = raw(`c.relpersistence <> 't' AND a.atttypid IN (${json}, ${type}) AND NOT ${hasLedger}`);
  return sql`SELECT wanted.place, CAST(n.nspname AS text) AS schema, ${qualified(names)} AS owner, CASE WHEN c.oid = wanted.found THEN 1 ELSE 0 END AS found FROM (VALUES ${join(wanted, ', ')}) AS wanted (place, owner, name, slot, home, found) JOIN pg_class c ON c.relname = wanted.name AND c.relkind IN ('r', 'p', 'v', 'f') JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = wanted.slot AND NOT a.attisdropped WHERE c.oid = wanted.found OR (${other}) ORDER BY n.nspname`;
}

/** What a search path makes of a table that a statement names without a schema. */
export const searchPaths: SearchPaths = { ownerOnPath, ownerInTrigger, tables };

function text(value: string | null): Sql {
  return sql`CAST(${value} AS text)`;
}
