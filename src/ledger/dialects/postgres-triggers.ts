import {
  conditionalSteps,
  guardMessage,
  timing,
  triggerEvents,
  type Statements,
  type TriggerEvent,
  type TriggerSteps,
} from '../dialect.js';
import { objectName, type ColumnName, type TriggerColumn } from '../trigger-column.js';

/** The row triggers of a column and the guard of its entries, in PL/pgSQL. */

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function tableName(column: ColumnName): string {
  return schemaPrefix(column) + quote(column.table);
}

export function schemaPrefix({ schema }: ColumnName): string {
  return schema === undefined ? '' : `${quote(schema)}.`;
}

export function rowTriggers(column: TriggerColumn, steps: TriggerSteps): Statements {
  const drop = triggerEvents.map(
    (event) => `DROP TRIGGER IF EXISTS ${triggerName(column, event)} ON ${tableName(column)}`,
  );
  return {
    create: [...drop, rowFunction(column, steps), ...triggerEvents.map((event) => trigger(column, event, steps))],
    drop: [...drop, `DROP FUNCTION IF EXISTS ${functionName(column, 'row')}()`],
  };
}

/** One check for all entries of a DELETE: a batch of a sweep asks each column once. */
export function guard(column: TriggerColumn, steps: TriggerSteps): Statements {
  const name = quote(objectName(column, 'guard'));
  const drop = `DROP TRIGGER IF EXISTS ${name} ON file_ledger`;
  return {
    create: [
      drop,
      guardFunction(column, steps),
      `CREATE TRIGGER ${name} AFTER DELETE ON file_ledger REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION ${functionName(column, 'guard')}()`,
    ],
    drop: [drop, `DROP FUNCTION IF EXISTS ${functionName(column, 'guard')}()`],
  };
}

/** A trigger belongs to its table and needs no schema. */
function triggerName(column: TriggerColumn, event: TriggerEvent): string {
  return quote(objectName(column, event));
}

function functionName(column: TriggerColumn, suffix: 'row' | 'guard'): string {
  return schemaPrefix(column) + quote(objectName(column, suffix));
}

function trigger(column: TriggerColumn, event: TriggerEvent, steps: TriggerSteps): string {
  return `CREATE TRIGGER ${triggerName(column, event)} ${timing(event, steps)} ON ${tableName(column)} FOR EACH ROW EXECUTE FUNCTION ${functionName(column, 'row')}()`;
}

/** The function keeps the search path of the migration, so it finds the ledger whatever search path a session has. */
function rowFunction(column: TriggerColumn, steps: TriggerSteps): string {
  return `CREATE OR REPLACE FUNCTION ${functionName(column, 'row')}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $filefield$
BEGIN
IF TG_OP = 'INSERT' THEN
${conditionalSteps(steps.insert)}
ELSIF TG_OP = 'UPDATE' THEN
${conditionalSteps(steps.update)}
ELSE
${conditionalSteps(steps.delete)}
END IF;
RETURN NULL;
END
$filefield$`;
}

/**
 * Looks with the rights of the role that made it, and past no policy: where one would hide rows, it fails. It finds the
 * table and its columns by the UPDATE trigger of the rows, which stays with them when they are renamed, dumped and
 * restored; where that trigger was dropped, by their names. A table that does not exist refers to nothing.
 *
 * Without statistics of the index, the planner would rather read the table.
 */
function guardFunction(column: TriggerColumn, { watched }: TriggerSteps): string {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const names = [...new Set(watched)];
  const deleted = column.softDelete && names.indexOf(quote(column.softDelete.column));
  const counts = deleted === undefined ? '' : ' AND %I IS NULL';
  const columnOf = (alias: string, name: string) =>
    `(SELECT attname FROM pg_attribute WHERE attrelid = ${alias} AND ${name} AND NOT attisdropped)`;
  const softDeleted = column.softDelete && text(column.softDelete.column);
  const schema = column.schema === undefined ? 'own.nspname' : text(column.schema);
  return `CREATE OR REPLACE FUNCTION ${functionName(column, 'guard')}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off AS $filefield$
DECLARE
  place record;
  used text;
BEGIN
  FOR place IN
    WITH own AS (
      SELECT n.oid, n.nspname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE t.tgrelid = TG_RELID AND t.tgname = TG_NAME
    ), watching AS (
      SELECT t.tgrelid, t.tgattr FROM own JOIN pg_proc p ON p.pronamespace = own.oid AND p.proname = ${text(objectName(column, 'row'))}
      JOIN pg_depend d ON d.refclassid = CAST('pg_proc' AS regclass) AND d.refobjid = p.oid AND d.classid = CAST('pg_trigger' AS regclass)
      JOIN pg_trigger t ON t.oid = d.objid
      WHERE t.tgname = ${text(objectName(column, 'update'))} AND t.tgparentid = 0
    ), named AS (
      SELECT to_regclass(format('%I.%I', ${schema}, ${text(column.table)})) AS tgrelid FROM own WHERE NOT EXISTS (SELECT FROM watching)
    )
    SELECT CAST(tgrelid AS regclass) AS name, ${columnOf('tgrelid', 'attnum = tgattr[0]')} AS file, ${deleted === undefined ? 'NULL' : columnOf('tgrelid', `attnum = tgattr[${deleted}]`)} AS deleted FROM watching
    UNION ALL
    SELECT tgrelid, ${columnOf('tgrelid', `attname = ${text(column.column)}`)}, ${softDeleted === undefined ? 'NULL' : columnOf('tgrelid', `attname = ${softDeleted}`)} FROM named
  LOOP
    CONTINUE WHEN place.name IS NULL OR place.file IS NULL;
    EXECUTE format('SELECT id FROM gone WHERE EXISTS (SELECT 1 FROM %s AS it WHERE (CAST(it.%I AS jsonb) ->> ''id'') = gone.id${counts.replace('%I', 'it.%I')}) LIMIT 1', place.name, place.file${deleted === undefined ? '' : ', place.deleted'}) INTO used;
    IF used IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', MESSAGE = ${text(guardMessage(column))}, DETAIL = used;
    END IF;
  END LOOP;
  RETURN NULL;
END
$filefield$`;
}
