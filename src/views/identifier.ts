import type { ColumnKind } from '../file/entity.js';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const integer = /^-?(?:0|[1-9]\d{0,18})$/;
const longestText = 1000;

/**
 * The value to look a row up by, out of a URL; undefined for what no such column can hold. So a malformed id is "no such
 * row", never an error of the database - PostgreSQL has one each for a bad uuid, a number too large and a NUL.
 */
export function parseIdentifier(kind: ColumnKind, text: string): string | number | undefined {
  switch (kind) {
    case 'integer': {
      const value = integer.test(text) ? Number(text) : NaN;
      return Math.abs(value) <= 0x7fffffff ? value : undefined;
    }
    case 'bigint':
      return integer.test(text) && fitsBigint(text) ? text : undefined;
    case 'uuid':
      return uuid.test(text) ? text : undefined;
    case 'text':
      return text.length > 0 && text.length <= longestText && !text.includes('\u0000') && text.isWellFormed()
        ? text
        : undefined;
  }
}

function fitsBigint(text: string): boolean {
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
