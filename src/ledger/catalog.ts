import type { LedgerConnection } from './connection.js';
import { hiddenTriggers, triggerEvents, type Dialect } from './dialect.js';
import type { FileReference } from './file-reference.js';
import { indexNames } from './schema.js';
import { locate } from './search-path.js';
import { objectName, type ColumnName } from './trigger-column.js';

/** A file column that the catalogue can be asked about. */
interface Named extends FileReference {
  readonly name: ColumnName;
}

/** The names of those of the columns' triggers, guards, indexes and generated columns that the database has. */
export async function existingProtection(
  database: LedgerConnection,
  references: readonly FileReference[],
): Promise<ReadonlySet<string>> {
  const named = references.filter(isNamed);
  if (named.length === 0) return new Set();
  const { dialect } = database;
  const names = named.flatMap(({ name }) => [
    ...triggersOf(dialect, name),
    ...dialect.index(name, false).map((part) => part.name),
  ]);
  const { rows } = await database.execute(
    dialect.catalog(
      named.map(({ table }) => table),
      names,
    ),
  );
  return new Set(rows.map((row) => String(row.name)));
}

/** Each column with the name of the table that the search path finds, if it finds one in a schema that needs to be named. */
export async function locatedColumns(
  database: LedgerConnection,
  references: readonly FileReference[],
): Promise<readonly FileReference[]> {
  return (await locate(database, references)).map(({ mapped, own }) => own ?? mapped);
}

/** The columns, as `table.column`, that lack a trigger, the guard or the index. */
export async function unprotectedColumns(
  database: LedgerConnection,
  references: readonly FileReference[],
): Promise<readonly string[]> {
  const { dialect } = database;
  const located = await locatedColumns(database, references);
  const existing = await existingProtection(database, located);
  const isMissing = ({ name }: Named) => {
    const triggers = existing.has(hiddenTriggers) ? [] : triggersOf(dialect, name);
    const index = dialect.index(name, false).at(-1);
    return [...triggers, ...(index ? [index.name] : [])].some((object) => !existing.has(object));
  };
  return located
    .filter(isNamed)
    .filter(isMissing)
    .map(({ owner, slot }) => `${owner}.${slot}`);
}

/** The names of the indexes of the ledger's tables that the database does not have. */
export async function missingIndexes(database: LedgerConnection): Promise<readonly string[]> {
  const { rows } = await database.execute(database.dialect.catalog(['file_trash'], indexNames));
  const existing = new Set(rows.map(({ name }) => String(name)));
  return indexNames.filter((name) => !existing.has(name));
}

function triggersOf(dialect: Dialect, name: ColumnName): string[] {
  return [...triggerEvents, ...(dialect.guard ? ['guard'] : [])].map((suffix) => objectName(name, suffix));
}

function isNamed(reference: FileReference): reference is Named {
  return reference.name !== undefined;
}
