import type { Dialect, TriggerStep, TriggerSteps } from './dialect.js';
import { raw, type Sql } from './sql.js';
import { bind, isObject, release, share, update, type FactTerms, type ObjectTerms, type SlotTerms } from './states.js';
import { ownerOf, type TriggerColumn } from './trigger-column.js';

/**
 * The steps of a column's triggers: the same transitions as those of the ORMs' hooks, with values of the row. When both
 * run for one statement, the second finds nothing left to change.
 */
export function triggerSteps(dialect: Dialect, column: TriggerColumn): TriggerSteps {
  const old = new RowTerms(dialect, column, 'OLD');
  const current = new RowTerms(dialect, column, 'NEW');
  const replaced = dialect.differ(old.member('id'), current.member('id'));
  const moved = dialect.differ(old.key, current.key);
  const { softDelete } = column;
  const deleted = softDelete && dialect.quote(softDelete.column);
  const restored = deleted ? ` OR (OLD.${deleted} IS NOT NULL AND NEW.${deleted} IS NULL)` : '';
  const letGo = (row: RowTerms, delay: number | 'keep') =>
    update(release(raw(dialect.now), delay === 'keep' ? delay : raw(String(delay))), isObject(row.object)).literal;
  return {
    insert: bindSteps(dialect, column, current, [current], `${current.column} IS NOT NULL`),
    update: [
      { when: replaced, statement: letGo(old, column.onReplace) },
      ...bindSteps(dialect, column, current, [old, current], `${replaced} OR ${moved}${restored}`),
      ...(softDelete
        ? [
            {
              when: `OLD.${deleted} IS NULL AND NEW.${deleted} IS NOT NULL`,
              statement: letGo(current, softDelete.retain),
            },
          ]
        : []),
    ],
    delete: [{ when: `${old.column} IS NOT NULL`, statement: letGo(old, column.onDelete) }],
    watched: [column.column, ...column.primaryKey, ...(softDelete ? [softDelete.column] : [])].map((name) =>
      dialect.quote(name),
    ),
  };
}

/**
 * Binds the file, then refuses one that the ledger does not have: its bytes are deleted, or were never there. In this order,
 * since the UPDATE waits for a sweep that is deleting the entry, and only afterwards is it certain that there is none. A
 * file of another row stays with that row: a trigger does not refuse it, as the ORMs' hooks do.
 */
function bindSteps(
  dialect: Dialect,
  column: TriggerColumn,
  row: RowTerms,
  own: readonly RowTerms[],
  when: string,
): TriggerStep[] {
  const shared = column.copies === 'share';
  const slots = own.map(({ slot }) => slot);
  const object = isObject(row.object);
  const steps = [{ when, statement: update(bind(row.slot, row.facts, slots, shared), object).literal }];
  if (shared) steps.push({ when, statement: update(share(row.slot), object).literal });
  const statement = dialect.refuseUnlessEntry(object.literal, unknownFile);
  return [...steps, { when: `(${when}) AND ${row.member('id')} IS NOT NULL`, statement }];
}

/** Begins with the code of the error that the ORMs' hooks throw in this case. */
const unknownFile = 'staged_expired: the file ledger has no entry for this file; stage it again';

/** What a trigger can say about the row before (`OLD`) or after (`NEW`) a write. */
class RowTerms {
  readonly column: string;
  /** The row's primary key, spelled exactly as `ownerKey` spells it. */
  readonly key: string;

  constructor(
    private readonly dialect: Dialect,
    private readonly target: TriggerColumn,
    row: 'OLD' | 'NEW',
  ) {
    this.column = `${row}.${dialect.quote(target.column)}`;
    const parts = target.primaryKey.map((name) => dialect.cast(`${row}.${dialect.quote(name)}`, 'text'));
    this.key = parts.length === 1 ? parts[0]! : dialect.jsonArray(parts);
  }

  member(name: string): string {
    return this.dialect.descriptorText(this.column, name);
  }

  get object(): ObjectTerms {
    return { id: this.#sql('id'), storage: this.#sql('storage'), key: this.#sql('key') };
  }

  get slot(): SlotTerms {
    const { schema, table, column } = this.target;
    const paths = schema === undefined ? this.dialect.searchPaths : undefined;
    const owner = paths?.ownerInTrigger(table) ?? literal(ownerOf(this.target));
    return { owner, pk: raw(this.key), slot: literal(column) };
  }

  get facts(): FactTerms {
    return { size: raw(this.dialect.cast(this.member('size'), 'integer')), sha256: this.#sql('sha256') };
  }

  #sql(member: string): Sql {
    return raw(this.member(member));
  }
}

function literal(text: string): Sql {
  return raw(`'${text.replaceAll("'", "''")}'`);
}
