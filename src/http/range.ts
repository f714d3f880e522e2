import { lengthOf, type ByteRange } from '../file/body.js';

/** One element of a Range header before the size is known: positions from the start, or the last `suffix` bytes. */
export type RangeSpec = { readonly first: number; readonly last?: number } | { readonly suffix: number };

/** What a Range header selects from a file of known size. */
export type RangeChoice =
  /** The whole file: there is no Range header, or it is ignored. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  /** At least two ranges that neither overlap nor touch, in the order of the request. */
  | { readonly kind: 'parts'; readonly ranges: readonly ByteRange[] }
  /** No range lies within the file: the response is 416. */
  | { readonly kind: 'unsatisfiable' };

// A browser requests one range, a PDF reader a few. A longer list is an attack (RFC 9110 section 17.15).
const maximumSpecs = 50;
// Smaller than the head of any part, so merging across such a gap always saves bytes.
const mergeGapBytes = 80;
const manyRanges = 8;

/**
 * Parses a Range header (RFC 9110 section 14.1). Undefined for another unit than bytes, for a syntax error, and for more
 * than 50 ranges; such a header is ignored.
 */
function parseRange(text: string): readonly RangeSpec[] | undefined {
  const match = /^[ \t]*bytes=(.*)$/i.exec(text);
  if (!match) return undefined;
  // Optional white space is blanks and tabs only; `trim` would also remove a no-break space.
  const parts = (match[1] ?? '').split(',').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ''));
  if (parts.length > maximumSpecs) return undefined;
  const specs: RangeSpec[] = [];
  for (const part of parts) {
    if (part === '') continue;
    const spec = parseSpec(part);
    if (!spec) return undefined;
    specs.push(spec);
  }
  return specs.length > 0 ? specs : undefined;
}

function parseSpec(text: string): RangeSpec | undefined {
  const match = /^(\d*)-(\d*)$/.exec(text);
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : { suffix: toPosition(last) };
  if (last === '') return { first: toPosition(first) };
  return compareDigits(first, last) > 0 ? undefined : { first: toPosition(first), last: toPosition(last) };
}

/**
 * Selects the bytes to send from a file of `size` bytes. Ranges that overlap, touch or nearly touch are merged. The
 * header is ignored for an empty file, because clients that always send `bytes=0-` expect 200 (section 14.2 allows it),
 * and for a set of ranges that costs more than the whole file.
 *
 * @param text the Range header
 */
export function chooseRange(text: string | undefined, size: number): RangeChoice {
  const specs = text === undefined || size === 0 ? undefined : parseRange(text);
  if (!specs) return { kind: 'whole' };
  const ranges = specs.map((spec) => resolveSpec(spec, size)).filter((range) => range !== undefined);
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  const merged = ranges.length === 1 ? ranges : isWasteful(ranges, size) ? [] : mergeRanges(ranges);
  const [range] = merged;
  if (!range) return { kind: 'whole' };
  return merged.length === 1 ? { kind: 'part', range } : { kind: 'parts', ranges: merged };
}

function resolveSpec(spec: RangeSpec, size: number): ByteRange | undefined {
  if ('suffix' in spec)
    return spec.suffix === 0 ? undefined : { start: Math.max(0, size - spec.suffix), end: size - 1 };
  if (spec.first >= size) return undefined;
  return { start: spec.first, end: Math.min(spec.last ?? size - 1, size - 1) };
}

/**
 * True for a set of ranges that is better answered with the whole file: it asks for more bytes than the file has, for
 * the same bytes repeatedly, or for many tiny ranges out of order (RFC 9110 sections 14.2 and 17.15).
 */
function isWasteful(ranges: readonly ByteRange[], size: number): boolean {
  const bytes = ranges.reduce((sum, range) => sum + lengthOf(range), 0);
  if (bytes > size) return true;
  const ascending = ranges.every(({ start }, index) => index === 0 || start >= ranges[index - 1]!.start);
  if (!ascending && ranges.length > manyRanges && bytes < ranges.length * mergeGapBytes) return true;
  let overlaps = 0;
  let lastEnd = -1;
  for (const { start, end } of sortByStart(ranges)) {
    if (start <= lastEnd) overlaps += 1;
    lastEnd = Math.max(lastEnd, end);
  }
  return overlaps > 1;
}

/**
 * The same bytes in fewer ranges: those that touch, overlap, or have a gap smaller than the head of a part become one
 * (section 15.3.7.2). A merged range takes the place of its first member in the request. Cost: n log n.
 */
function mergeRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: { start: number; end: number; position: number }[] = [];
  const numbered = ranges.map((range, position) => ({ ...range, position }));
  for (const { start, end, position } of sortByStart(numbered)) {
    const last = merged.at(-1);
    if (last && start <= last.end + 1 + mergeGapBytes) {
      last.end = Math.max(last.end, end);
      last.position = Math.min(last.position, position);
    } else merged.push({ start, end, position });
  }
  return merged.sort((a, b) => a.position - b.position).map(({ start, end }) => ({ start, end }));
}

function sortByStart<Range extends ByteRange>(ranges: readonly Range[]): readonly Range[] {
  return [...ranges].sort((a, b) => a.start - b.start);
}

/** The Content-Range header of a part of a file of `size` bytes (section 14.4). */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`;
}

/** Parses the Content-Range header of a 206 response. Undefined for a syntax error and for a part of unknown size. */
export function parseContentRange(
  text: string | undefined,
): { readonly range: ByteRange; readonly size: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(text ?? '');
  if (!match) return undefined;
  const [start = 0, end = 0, size = 0] = match.slice(1).map(Number);
  return start <= end && end < size ? { range: { start, end }, size } : undefined;
}

/** A number too large for JavaScript stands for the largest one: no file has that many bytes. */
function toPosition(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** Compares decimal numbers of any length; as JavaScript numbers, long ones would lose digits. */
function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+(?=\d)/, '');
  const right = b.replace(/^0+(?=\d)/, '');
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}
