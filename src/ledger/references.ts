import { FileFieldError } from '../errors.js';
import type { FileEvents } from '../events.js';
import { causes, type LedgerConnection } from './connection.js';
import type { FileReference } from './file-reference.js';
import { locate, type LocatedColumn } from './search-path.js';
import { Sight, type Claim } from './sight.js';
import { raw, sql } from './sql.js';

/** All file columns that an application maps: the truth about which files are in use. */
export class References {
  readonly all: readonly FileReference[];
  /** Columns that could not be read the last time. */
  readonly #unreadable = new Set<string>();

  constructor(references: readonly FileReference[]) {
    // Entities that share a table share its columns; where one of them counts soft-deleted rows, they count.
    const columns = new Map<string, FileReference>();
    for (const reference of references) {
      const name = `${reference.table}.${reference.column}`;
      const other = columns.get(name);
      if (!other || other.counts !== undefined) columns.set(name, reference);
    }
    this.all = [...columns.values()];
  }

  /** The columns by the tables that the search path finds, as if every row could be read: for what changes nothing. */
  async located(database: LedgerConnection): Promise<Sight> {
    const located = await locate(database, this.all);
    return sightOf(located, () => true);
  }

  /**
   * The columns of which every row can be seen: the table exists, and neither missing rights nor row level security hide
   * rows from this role. The first time that a column cannot be read is a `fault`.
   */
  async readable(database: LedgerConnection, events: FileEvents): Promise<Sight> {
    const columns = await locate(database, await withIdColumns(database, this.all));
    const readable = new Set<FileReference>();
    for (const { mapped, own, others } of columns) {
      const name = nameOf(mapped);
      let fault: FileFieldError | undefined;
      for (const reference of own ? [own, ...others] : others) {
        const cause = await refusal(database, reference);
        if (cause === undefined) readable.add(reference);
        else
          fault ??= reference === own ? unreadable(name, cause) : unreadableElsewhere(name, nameOf(reference), cause);
      }
      if (fault && !this.#unreadable.has(name)) events.emit('fault', fault);
      if (fault) this.#unreadable.add(name);
      else this.#unreadable.delete(name);
    }
    return sightOf(columns, (reference) => readable.has(reference));
  }
}

/** Why this role cannot see all rows of a column; undefined if it can. */
async function refusal(database: LedgerConnection, { table, column }: FileReference): Promise<unknown> {
  try {
    await database.execute(sql`SELECT ${raw(column)} FROM ${raw(table)} WHERE 1 = 0`, { unfiltered: true });
    return undefined;
  } catch (cause) {
    if (causes(cause).some((error) => database.dialect.isHidden(error))) return cause;
    throw cause;
  }
}

/**
 * An entry with a primary key belongs to a row of its own table. One without may be for any table of that name, wherever the
 * search path of the row's transaction finds it: it may be let go if all of them are looked at.
 */
function sightOf(columns: readonly LocatedColumn[], isReadable: (reference: FileReference) => boolean): Sight {
  const claims: Claim[] = [];
  const unread: string[] = [];
  for (const { mapped, own, others } of columns) {
    const { slot } = mapped;
    const tables = [...(own ? [own] : []), ...others];
    const hidden = tables.filter((table) => !isReadable(table));
    unread.push(...hidden.map(nameOf));
    const isAlone = own?.owner === mapped.owner && others.length === 0;
    if (own && isReadable(own)) claims.push({ owners: [own.owner], slot, ...(!isAlone && { keyed: true }) });
    if (isAlone || hidden.length > 0) continue;
    claims.push({ owners: [...new Set([mapped, ...tables].map(({ owner }) => owner))], slot, keyed: false });
  }
  const readable = columns.flatMap(({ own }) => (own && isReadable(own) ? [own] : []));
  const others = columns.flatMap((column) => column.others.filter(isReadable));
  return new Sight(readable, others.map(uncounted), claims, unread);
}

/** The table of another schema may lack the column of soft deletes: all of its rows count. */
function uncounted({ counts: _, ...reference }: FileReference): FileReference {
  return reference;
}

function nameOf({ owner, slot }: FileReference): string {
  return `${owner}.${slot}`;
}

/**
 * Sets `idColumn` where the table has the generated column of `protectFiles`. A column of that name that holds anything else
 * would make every file look unused, so its expression is compared too.
 */
async function withIdColumns(
  database: LedgerConnection,
  references: readonly FileReference[],
): Promise<readonly FileReference[]> {
  const { dialect } = database;
  const names = references.flatMap(({ name }) => (name ? [name] : []));
  if (!dialect.generatedColumns || names.length === 0) return references;
  const { rows } = await database.execute(dialect.generatedColumns(names));
  const generated = new Set(rows.map(({ home, owner, name, expression }) => plain([home, owner, name, expression])));
  return references.map((reference) => {
    const expected = reference.name && dialect.idColumn?.(reference.name.column);
    if (!expected) return reference;
    const { schema = '', table } = reference.name!;
    if (!generated.has(plain([schema, table, expected.name, expected.expression]))) return reference;
    return { ...reference, idColumn: dialect.quote(expected.name) };
  });
}

/** As MariaDB and MySQL print an expression, without what they add. */
function plain(parts: readonly unknown[]): string {
  return parts
    .map((part) =>
      String(part)
        .replace(/_utf8mb4|[\s`\\()]/g, '')
        .toLowerCase(),
    )
    .join(' ');
}

function unreadable(column: string, cause: unknown): FileFieldError {
  return new FileFieldError(
    'database_failed',
    `This application cannot see every row of ${column}, so it deletes no file of that column; sweep with a role that may read the whole table.`,
    { cause },
  );
}

function unreadableElsewhere(column: string, other: string, cause: unknown): FileFieldError {
  return new FileFieldError(
    'database_failed',
    `This application cannot see every row of ${other}, where files that were staged for ${column} may be, so it deletes none of those that no row has taken; sweep with a role that may read both tables.`,
    { cause },
  );
}
