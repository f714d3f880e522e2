import { FileFieldError } from './errors.js';

/**
 * The one door for numbers that come from outside: durations, byte sizes and counts. Each function returns a checked
 * number, or throws `invalid_option` with a sentence that names the option and shows what was given.
 */

/** Timers of Node hold at most this many milliseconds; longer ones fire at once. */
export const longestTimer = 2 ** 31 - 1;

/** Units of a duration: milliseconds, seconds, minutes, hours, days. */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd';

/** Units of a size: powers of 1000 (`KB`) and of 1024 (`KiB`). */
export type SizeUnit = 'B' | 'KB' | 'MB' | 'GB' | 'TB' | 'KiB' | 'MiB' | 'GiB' | 'TiB';

/** Milliseconds as a number, or text with a unit, `ms`, `s`, `m`, `h` or `d`: `'30d'`, `'10 m'`. */
export type Duration = number | `${number}${DurationUnit}` | `${number} ${DurationUnit}`;

/** Bytes as a number, or text with a unit: `'20 MB'` is 20,000,000 bytes, `'20 MiB'` is 20,971,520. */
export type ByteSize = number | `${number}${SizeUnit}` | `${number} ${SizeUnit}`;

const durationUnits: Readonly<Record<DurationUnit, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const sizeUnits: Readonly<Record<SizeUnit, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** The smallest and the largest value that an option may have, both included. */
export interface Bounds {
  /** @default 0 */
  readonly from?: number;
  /** @default Number.MAX_SAFE_INTEGER */
  readonly to?: number;
}

/** Whole milliseconds. Throws `invalid_option`. */
export function duration(option: string, value: Duration, bounds: Bounds = {}): number {
  const milliseconds = typeof value === 'number' ? value : measure(value, durationUnits);
  return check(
    option,
    value,
    Math.round(milliseconds),
    bounds,
    'a duration: milliseconds, or text such as "10m" or "30d"',
  );
}

/** Whole bytes. Throws `invalid_option`. */
export function byteSize(option: string, value: ByteSize, bounds: Bounds = {}): number {
  const bytes = typeof value === 'number' ? value : Math.floor(measure(value, sizeUnits));
  return check(option, value, bytes, bounds, 'a size: bytes, or text such as "20 MB" or "20 MiB"');
}

/** Bytes as people read them: `20 MB`, `20 MiB`, or, for a number that is neither, `12345 bytes`. */
export function sizeText(bytes: number): string {
  const units = Object.entries(sizeUnits).filter(([, size]) => size > 1 && bytes >= size && bytes % size === 0);
  const [unit, size] = units.sort(([, one], [, other]) => other - one)[0] ?? ['bytes', 1];
  return `${bytes / size} ${unit}`;
}

/** A whole number. Throws `invalid_option`. */
export function wholeNumber(option: string, value: number, bounds: Bounds = {}): number {
  return check(option, value, value, bounds, 'a whole number');
}

/** The number that a text such as `"10 m"` stands for; NaN for any other text, and for what is not text. */
function measure(value: unknown, units: Readonly<Record<string, number>>): number {
  const [, number = '', unit = ''] = (typeof value === 'string' && /^(\d+(?:\.\d+)?) ?([a-zA-Z]+)$/.exec(value)) || [];
  return Number(number || NaN) * (Object.hasOwn(units, unit) ? units[unit]! : NaN);
}

function check(option: string, given: unknown, value: number, bounds: Bounds, what: string): number {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = bounds;
  if (Number.isSafeInteger(value) && value >= from && value <= to) return value;
  const range = to === Number.MAX_SAFE_INTEGER ? (from === 0 ? '' : `, at least ${from}`) : `, from ${from} to ${to}`;
  throw new FileFieldError('invalid_option', `The option "${option}" must be ${what}${range}; it is ${shown(given)}.`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** One of a few values, for callers whose compiler does not check it. Throws `invalid_option`. */
export function oneOf<Value extends string | number>(option: string, value: Value, values: readonly Value[]): Value {
  if (values.includes(value)) return value;
  throw invalidOption(`The option "${option}" must be ${values.map(shown).join(' or ')}; it is ${shown(value)}.`);
}

/** The `invalid_option` error for a list of what to accept that accepts nothing. */
export function emptyList(option: string, member: string): FileFieldError {
  return invalidOption(`The option "${option}" is an empty list; leave it out to accept every ${member}.`);
}

/** An `invalid_option` error with a sentence that says what to change. */
export function invalidOption(sentence: string, cause?: unknown): FileFieldError {
  return new FileFieldError('invalid_option', sentence, { cause });
}
