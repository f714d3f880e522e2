/** The kind of value that a column holds, as far as values from URLs are concerned; a list has all values of an enum. */
export type ColumnKind =
  'smallint' | 'integer' | 'bigint' | 'number' | 'boolean' | 'date' | 'time' | 'uuid' | 'text' | readonly string[];

const kinds: readonly (readonly [ColumnKind, RegExp])[] = [
  ['uuid', /^uuid\b/],
  ['smallint', /^(?:smallint|int2|smallserial)\b/],
  ['integer', /^(?:int|integer|int4|mediumint|tinyint|serial)\b/],
  ['bigint', /^(?:bigint|int8|bigserial)\b/],
  ['number', /^(?:numeric|decimal|dec|fixed|float[48]?|real|double)\b/],
  ['boolean', /^bool(?:ean)?\b/],
  ['date', /^date$/],
  ['time', /^(?:timestamp|timestamptz|datetime)\b/],
];

/** The kind of a column by the name of its type in the database. SQLite's integers have 64 bits whatever they are called. */
export function columnKindOf(type: string, isSqlite: boolean): ColumnKind {
  const [kind = 'text'] = kinds.find(([, names]) => names.test(type.toLowerCase())) ?? [];
  return isSqlite && (kind === 'smallint' || kind === 'integer') ? 'bigint' : kind;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const integer = /^-?(?:0|[1-9]\d{0,18})$/;
const decimal = /^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?$/;
const day = /^(?!0000)\d{4}-\d\d-\d\d$/;
const moment = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)$/;
const longestText = 1000;

/**
 * The value of a column for a text from a URL; undefined if no such column can contain it. A malformed id is thus "no such
 * row" and not a database error: PostgreSQL reports one for a bad uuid, date or enum, for a number out of range and for a NUL.
 */
export function columnValue(kind: ColumnKind, text: string): string | number | boolean | Date | undefined {
  switch (kind) {
    case 'smallint':
      return withinBits(text, 16);
    case 'integer':
      return withinBits(text, 32);
    case 'bigint':
      return integer.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? text : undefined;
    case 'number':
      return decimal.test(text) ? text : undefined;
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : undefined;
    case 'date':
      return day.test(text) && isDay(text) ? text : undefined;
    case 'time':
      return moment.test(text) && isDay(text.slice(0, 10)) ? timeOf(text) : undefined;
    case 'uuid':
      // RFC 9562 section 4: a UUID is read without regard to case, and databases without the type compare its text.
      return uuid.test(text) ? text.toLowerCase() : undefined;
    case 'text':
      return text.length > 0 && text.length <= longestText && !text.includes('\u0000') && text.isWellFormed()
        ? text
        : undefined;
    default:
      return kind.includes(text) ? text : undefined;
  }
}

function withinBits(text: string, bits: number): number | undefined {
  const value = integer.test(text) ? Number(text) : NaN;
  return value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1) ? value : undefined;
}

/** `Date` would take the 30th of February for the second of March. */
function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function timeOf(text: string): Date | undefined {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
