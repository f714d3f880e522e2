import type { LedgerConnection } from './connection.js';
import type { FileReference } from './file-reference.js';

/** What a connection's search path makes of a file column. */
export interface LocatedColumn {
  readonly mapped: FileReference;
  /** The column of the table that the search path finds, by its full name; undefined if there is none. */
  readonly own: FileReference | undefined;
  /**
   * The same column of tables of that name in other schemas: a transaction with another search path writes to them, and a
   * file that is staged may be for any of them.
   */
  readonly others: readonly FileReference[];
}

/** Finds the tables of columns that a search path decides on; on other databases each column is its own. */
export async function locate(
  database: LedgerConnection,
  references: readonly FileReference[],
): Promise<readonly LocatedColumn[]> {
  const { quote, searchPaths } = database.dialect;
  const onPath = references.filter((reference) => reference.onPath !== undefined);
  if (!searchPaths || onPath.length === 0) return references.map((mapped) => ({ mapped, own: mapped, others: [] }));
  const { rows } = await database.execute(searchPaths.tables(onPath));
  return references.map((mapped) => {
    const index = onPath.indexOf(mapped);
    const tables = rows.filter(({ place }) => Number(place) === index);
    const found = (is: boolean) =>
      tables.filter((row) => (Number(row.found) === 1) === is).map((row) => named(mapped, row, quote));
    // Without any table the column is reported as one that cannot be read.
    return { mapped, own: tables.length > 0 ? found(true)[0] : mapped, others: found(false) };
  });
}

function named(
  mapped: FileReference,
  { schema, owner }: Readonly<Record<string, unknown>>,
  quote: (name: string) => string,
): FileReference {
  const { table } = mapped.onPath!;
  const isHome = owner === mapped.owner;
  return {
    ...mapped,
    owner: String(owner),
    table: `${quote(String(schema))}.${quote(table)}`,
    ...(mapped.name && { name: isHome ? mapped.name : { ...mapped.name, schema: String(schema) } }),
  };
}
