import { descriptorText, now, type Dialect } from './dialect.js';
import { literal, ownerOf, quoted, type TriggerColumn } from './trigger-names.js';

/** One UPDATE of the ledger, ending in conditions, and when it has to run. */
export interface TriggerStep {
  readonly when: string;
  readonly sql: string;
}

export interface TriggerSteps {
  readonly insert: readonly TriggerStep[];
  readonly update: readonly TriggerStep[];
  readonly delete: readonly TriggerStep[];
  /** Columns (quoted) whose change an UPDATE has to be looked at for. */
  readonly watched: readonly string[];
}

type Row = 'OLD' | 'NEW';

/**
 * What triggers do: the same as the hooks of the ORMs, told by the rows themselves. Both may run for one statement; all
 * of it are conditions on rows, so the second of them finds nothing left to do.
 */
export function triggerSteps(dialect: Dialect, column: TriggerColumn): TriggerSteps {
  const names = new Names(dialect, column);
  const { softDelete } = column;
  const replaced = names.differ(names.id('OLD'), names.id('NEW'));
  const moved = names.differ(names.key('OLD'), names.key('NEW'));
  const deleted = softDelete && quoted(dialect, softDelete.column);
  const restored = deleted ? ` OR (OLD.${deleted} IS NOT NULL AND NEW.${deleted} IS NULL)` : '';
  const update = [
    { when: replaced, sql: release(names, 'OLD', column.onReplace) },
    ...bind(names, `${replaced} OR ${moved}${restored}`, true),
  ];
  if (softDelete) {
    const when = `OLD.${deleted} IS NULL AND NEW.${deleted} IS NOT NULL`;
    update.push({ when, sql: release(names, 'NEW', softDelete.retain) });
  }
  return {
    insert: bind(names, `NEW.${names.column} IS NOT NULL`, false),
    update,
    delete: [{ when: `OLD.${names.column} IS NOT NULL`, sql: release(names, 'OLD', column.onDelete) }],
    watched: [names.column, ...names.primaryKey, ...(deleted ? [deleted] : [])],
  };
}

const toLive = `state = 'live', lease_until = NULL, doomed_at = NULL, not_before = NULL`;

/** As `Ledger.bind` does, but a file that another row has is left to that row instead of refused. */
function bind(names: Names, when: string, moved: boolean): TriggerStep[] {
  const shared = names.shared;
  const free = shared ? `state = 'pending'` : `state <> 'live' OR owner_type IS NULL`;
  const mine = moved ? `(${names.owned('OLD')}) OR (${names.owned('NEW')})` : `(${names.owned('NEW')})`;
  const facts = `size = ${names.size('NEW')}, checksum = ${names.text('NEW', 'sha256')}`;
  const place = `owner_type = ${names.owner}, owner_pk = ${names.key('NEW')}, slot = ${names.slot}`;
  const own = `UPDATE file_ledger SET ${toLive}, ${place}, ${facts} WHERE ${names.named('NEW')} AND (${free} OR ${mine})`;
  if (!shared) return [{ when, sql: own }];
  // What several rows have has no owner: only the rows tell when the last of them has let go.
  const several = `UPDATE file_ledger SET ${toLive}, owner_type = NULL, owner_pk = NULL, slot = NULL WHERE ${names.named('NEW')} AND (owner_type IS NULL OR NOT (${names.owned('NEW')}))`;
  return [
    { when, sql: own },
    { when, sql: several },
  ];
}

/** As `Ledger.doom` does, but for the very file that the row had. */
function release(names: Names, row: Row, retain: number | 'keep'): string {
  const time = now[names.dialect];
  const fate =
    retain === 'keep' ? `state = 'kept'` : `state = 'doomed', doomed_at = ${time}, not_before = ${time} + ${retain}`;
  return `UPDATE file_ledger SET ${fate} WHERE ${names.named(row)} AND state = 'live'`;
}

/** The column and its key inside a trigger. */
class Names {
  readonly column: string;
  readonly owner: string;
  readonly slot: string;
  readonly shared: boolean;
  readonly primaryKey: readonly string[];

  constructor(
    readonly dialect: Dialect,
    column: TriggerColumn,
  ) {
    this.column = quoted(dialect, column.column);
    this.owner = literal(ownerOf(column));
    this.slot = literal(column.column);
    this.shared = column.copies === 'share';
    this.primaryKey = column.primaryKey.map((name) => quoted(dialect, name));
  }

  text(row: Row, name: string): string {
    return descriptorText(this.dialect, `${row}.${this.column}`, name);
  }

  id(row: Row): string {
    return this.text(row, 'id');
  }

  size(row: Row): string {
    const type = { sqlite: 'INTEGER', postgres: 'BIGINT', mysql: 'SIGNED' }[this.dialect];
    return `CAST(${this.text(row, 'size')} AS ${type})`;
  }

  /** A descriptor names a file only if it does so in every part. */
  named(row: Row): string {
    return `id = ${this.id(row)} AND storage = ${this.text(row, 'storage')} AND object_key = ${this.text(row, 'key')}`;
  }

  owned(row: Row): string {
    return `owner_type = ${this.owner} AND owner_pk = ${this.key(row)} AND slot = ${this.slot}`;
  }

  /** The row's key exactly as `ownerKey` writes it. */
  key(row: Row): string {
    const type = { sqlite: 'TEXT', postgres: 'text', mysql: 'CHAR' }[this.dialect];
    const [first, ...others] = this.primaryKey.map((name) => `CAST(${row}.${name} AS ${type})`);
    if (first !== undefined && others.length === 0) return first;
    const parts = [first, ...others];
    if (this.dialect === 'sqlite') return `json_array(${parts.join(', ')})`;
    if (this.dialect === 'mysql')
      return `CONCAT('[', ${parts.map((part) => `JSON_QUOTE(${part})`).join(", ',', ")}, ']')`;
    return `('[' || ${parts.map((part) => `CAST(to_json(${part}) AS text)`).join(" || ',' || ")} || ']')`;
  }

  differ(one: string, other: string): string {
    if (this.dialect === 'mysql') return `NOT (${one} <=> ${other})`;
    return this.dialect === 'sqlite' ? `${one} IS NOT ${other}` : `${one} IS DISTINCT FROM ${other}`;
  }
}
