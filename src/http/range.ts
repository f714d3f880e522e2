import type { ByteRange } from '../file/body.js';
import { isWasteful, mergeRanges } from './range-set.js';

/** One spec of a Range header, before the size is known; `suffix` counts from the end. */
export type RangeSpec = { readonly first: number; readonly last?: number } | { readonly suffix: number };

/** What a Range header asks of a file of a known size. */
export type RangeChoice =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  /** Two at least, apart from each other, in the order in which they were asked for. */
  | { readonly kind: 'parts'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' };

// A browser sends one, a PDF reader a few; more than this is nobody's download (RFC 9110 section 17.15).
const maximumSpecs = 50;

/** Reads a Range header after RFC 9110 section 14.1; undefined for another unit, a fault in the grammar, or a flood. */
export function parseRange(text: string): readonly RangeSpec[] | undefined {
  const match = /^[ \t]*bytes=(.*)$/i.exec(text);
  if (!match) return undefined;
  // Only blanks and tabs are white space here; `trim` would take a no-break space for one.
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
 * Picks what to send of `size` bytes. An empty file has no ranges, so the header is ignored (section 14.2 allows it, and
 * clients that always ask for `0-` rely on it); so are wasteful sets. Ranges that touch, overlap or nearly do are merged.
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

/** No file is that long, so what does not fit a number may stand for the largest one. */
function toPosition(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** Exact at any length, where numbers would lose digits. */
function compareDigits(a: string, b: string): number {
  const left = a.replace(/^0+(?=\d)/, '');
  const right = b.replace(/^0+(?=\d)/, '');
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}
