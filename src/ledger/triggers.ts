import type { Dialect } from './dialect.js';
import { nameFor, quoted, schemaPrefix, tableName, type TriggerColumn } from './trigger-names.js';
import { triggerSteps, type TriggerStep, type TriggerSteps } from './trigger-steps.js';

/** Statements for a migration and the ones that take them back, in order. */
export interface Statements {
  readonly create: readonly string[];
  readonly drop: readonly string[];
}

const events = ['insert', 'update', 'delete'] as const;
type Event = (typeof events)[number];

/**
 * Triggers that tell the ledger of every write to a file column, by whom and by what it was made. Creating them replaces
 * those of before. The SQL has no question marks, which some drivers take for parameters.
 */
export function columnTriggers(dialect: Dialect, column: TriggerColumn): Statements {
  const steps = triggerSteps(dialect, column);
  const drop = events.map((event) => dropTrigger(dialect, column, event));
  if (dialect !== 'postgres') {
    const one = dialect === 'sqlite' ? sqliteTrigger : mysqlTrigger;
    return { create: [...drop, ...events.map((event) => one(column, event, steps))], drop };
  }
  const name = functionName(column);
  return {
    create: [...drop, postgresFunction(name, steps), ...events.map((event) => postgresTrigger(column, event, steps))],
    drop: [...drop, `DROP FUNCTION IF EXISTS ${name}()`],
  };
}

function triggerName(dialect: Dialect, column: TriggerColumn, event: Event): string {
  return quoted(dialect, nameFor(column, event));
}

function dropTrigger(dialect: Dialect, column: TriggerColumn, event: Event): string {
  const name = triggerName(dialect, column, event);
  return dialect === 'postgres'
    ? `DROP TRIGGER IF EXISTS ${name} ON ${tableName(dialect, column)}`
    : `DROP TRIGGER IF EXISTS ${schemaPrefix(dialect, column)}${name}`;
}

/** Which writes an event's trigger looks at; the column names keep it off the way of all others. */
function timing(event: Event, { watched }: TriggerSteps): string {
  return event === 'update' ? `AFTER UPDATE OF ${[...new Set(watched)].join(', ')}` : `AFTER ${event.toUpperCase()}`;
}

function sqliteTrigger(column: TriggerColumn, event: Event, steps: TriggerSteps): string {
  const name = schemaPrefix('sqlite', column) + triggerName('sqlite', column, event);
  const body = steps[event].map(({ when, sql }) => `  ${sql} AND (${when});`).join('\n');
  return `CREATE TRIGGER ${name} ${timing(event, steps)} ON ${quoted('sqlite', column.table)} FOR EACH ROW\nBEGIN\n${body}\nEND`;
}

function mysqlTrigger(column: TriggerColumn, event: Event, steps: TriggerSteps): string {
  const name = schemaPrefix('mysql', column) + triggerName('mysql', column, event);
  return `CREATE TRIGGER ${name} AFTER ${event.toUpperCase()} ON ${tableName('mysql', column)} FOR EACH ROW\nBEGIN\n${conditional(steps[event])}\nEND`;
}

function postgresTrigger(column: TriggerColumn, event: Event, steps: TriggerSteps): string {
  const name = triggerName('postgres', column, event);
  return `CREATE TRIGGER ${name} ${timing(event, steps)} ON ${tableName('postgres', column)} FOR EACH ROW EXECUTE FUNCTION ${functionName(column)}()`;
}

function functionName(column: TriggerColumn): string {
  return schemaPrefix('postgres', column) + quoted('postgres', nameFor(column, 'row'));
}

/** It finds the ledger where the migration does, whatever search path a later session has. */
function postgresFunction(name: string, steps: TriggerSteps): string {
  return `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $filefield$
BEGIN
IF TG_OP = 'INSERT' THEN
${conditional(steps.insert)}
ELSIF TG_OP = 'UPDATE' THEN
${conditional(steps.update)}
ELSE
${conditional(steps.delete)}
END IF;
RETURN NULL;
END
$filefield$`;
}

function conditional(steps: readonly TriggerStep[]): string {
  return steps.map(({ when, sql }) => `  IF ${when} THEN ${sql}; END IF;`).join('\n');
}
