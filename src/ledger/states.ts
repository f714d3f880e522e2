import { join, raw, sql, type Sql } from './sql.js';

// The states of a ledger entry and every change between them, each written once. Statements insert parameters, triggers
// insert the columns of the row.
//
// ```
// pending ──bind──→ live ──release──→ released ──(sweep)──→ file_trash → deleted
//    │                ↑ ←──revive─────────┘
//    └──expire──→ released            live ──keep──→ kept ──bind──→ live
// ```

/** A change of state: what is set, and the states and conditions in which it may happen. */
export interface Transition {
  readonly set: Sql;
  readonly from: Sql;
}

/** A stored object by all that a descriptor says of it. A value is a parameter or a piece of SQL. */
export interface ObjectTerms {
  readonly id: unknown;
  readonly storage: unknown;
  readonly key: unknown;
}

/** One file field of one row. */
export interface SlotTerms {
  readonly owner: unknown;
  readonly pk: unknown;
  readonly slot: unknown;
}

/** What the ledger records about the bytes of a bound file. */
export interface FactTerms {
  readonly size: unknown;
  /** Undefined where it is unknown. */
  readonly sha256?: unknown;
}

/** True for the entry of an object. All parts must match, so a descriptor that was tampered with matches nothing. */
export function isObject({ id, storage, key }: ObjectTerms): Sql {
  return sql`id = ${id} AND storage = ${storage} AND object_key = ${key}`;
}

/** True for entries of this field of this row. */
export function isSlot({ owner, pk, slot }: SlotTerms): Sql {
  return sql`owner_type = ${owner} AND owner_pk = ${pk} AND slot = ${slot}`;
}

/** True for entries of this field of any row. */
export function isColumn({ owner, slot }: Omit<SlotTerms, 'pk'>): Sql {
  return sql`owner_type = ${owner} AND slot = ${slot}`;
}

/** An UPDATE of the entries that meet the conditions and are in a state that allows the transition. */
export function update({ set, from }: Transition, ...conditions: readonly Sql[]): Sql {
  return sql`UPDATE file_ledger SET ${set} WHERE ${join([from, ...conditions], ' AND ')}`;
}

const live = raw(`state = 'live', lease_until = NULL, released_at = NULL, not_before = NULL`);
const isLive = raw(`state = 'live'`);
const isPending = raw(`state = 'pending'`);
/** Every state that an entry can have. */
export const anyState = raw(`state IN ('pending', 'live', 'released', 'kept')`);

/**
 * Binds a file to a slot: from pending, from released while its bytes are still there, from kept, and from live where no
 * owner is recorded or the owner is one of `own`. With `shared`, a live entry without an owner belongs to several rows and
 * is left to `share`.
 */
export function bind(slot: SlotTerms, facts: FactTerms, own: readonly SlotTerms[], shared: boolean): Transition {
  const free = raw(shared ? `state = 'pending'` : `state <> 'live' OR owner_pk IS NULL`);
  const mine = own.map((one) => sql`(${isSlot(one)})`);
  return {
    set: inherit(slot, facts).set,
    from: sql`(${join([free, ...mine], ' OR ')})`,
  };
}

/**
 * Gives a file of another slot to several rows: from then on only the rows tell who refers to it. The owner stays as long as
 * all are of one column. MariaDB assigns from left to right.
 */
export function share(slot: SlotTerms): Transition {
  const kept = (name: string) => sql`${raw(name)} = CASE WHEN ${isColumn(slot)} THEN ${raw(name)} END`;
  return {
    set: sql`${live}, ${kept('slot')}, ${kept('owner_type')}, owner_pk = NULL`,
    from: sql`(owner_pk IS NULL OR NOT (${isSlot(slot)}))`,
  };
}

/** Binds a file to a row of a column whose key is not known; a live file keeps its owner. MariaDB assigns from left to right. */
export function adopt(column: Omit<SlotTerms, 'pk'>, facts: FactTerms): Transition {
  const owner = sql`owner_type = CASE WHEN ${isLive} THEN owner_type ELSE ${column.owner} END`;
  const slot = sql`slot = CASE WHEN ${isLive} THEN slot ELSE ${column.slot} END`;
  const pk = sql`owner_pk = CASE WHEN ${isLive} THEN owner_pk END`;
  return { set: sql`${owner}, ${slot}, ${pk}, ${live}, ${factsOf(facts)}`, from: anyState };
}

/** Binds a file to the slot of another one, whose place it takes. */
export function inherit(slot: SlotTerms, facts: FactTerms): Transition {
  return {
    set: sql`${live}, owner_type = ${slot.owner}, owner_pk = ${slot.pk}, slot = ${slot.slot}, ${factsOf(facts)}`,
    from: anyState,
  };
}

/** Marks a live file for deletion once `delay` milliseconds have passed; with `'keep'` it is kept for ever. */
export function release(now: Sql, delay: number | Sql | 'keep', from: Sql = isLive): Transition {
  if (delay === 'keep') return { set: raw(`state = 'kept'`), from };
  return { set: sql`state = 'released', released_at = ${now}, not_before = ${now} + ${delay}`, from };
}

/** Marks a staged file for deletion whose lease has ended. */
export function expire(now: Sql): Transition {
  return { set: sql`state = 'released', released_at = ${now}, not_before = 0`, from: isExpired(now) };
}

/** Makes a file live again that a row turned out to refer to. */
export function revive(from: Sql): Transition {
  return { set: live, from };
}

/** Gives a staged file a lease of its full length from now. */
export function renew(now: Sql, lease: number): Transition {
  return { set: sql`lease_until = ${now} + ${lease}`, from: isPending };
}

/** Ends the lease of a staged file at once. */
export const abandon: Transition = { set: raw('lease_until = 0'), from: isPending };

/** Keeps sweeps away from a file that is not live, for the length of a lease: it is about to be bound. */
export function reserve(now: Sql, lease: number): Transition {
  const later = sql`${now} + ${lease}`;
  return {
    set: sql`lease_until = ${later}, not_before = CASE WHEN state = 'released' THEN ${later} END`,
    from: raw(`state <> 'live'`),
  };
}

/** True for staged files whose lease has ended. */
export function isExpired(now: Sql): Sql {
  return sql`state = 'pending' AND lease_until < ${now}`;
}

/** True for released files whose bytes may be deleted. */
export function isDue(now: Sql): Sql {
  return sql`state = 'released' AND not_before <= ${now}`;
}

function factsOf({ size, sha256 }: FactTerms): Sql {
  return sql`size = ${size}, checksum = ${sha256 ?? null}`;
}
