import { lengthOf, type ByteRange } from '../file/body.js';

// Less than what the head of any part costs, so that merging across such a gap always saves bytes.
const nearBytes = 80;
const manyRanges = 8;

/**
 * Whether a set of ranges costs more than it can be good for, so that the whole file is the better answer: it asks for
 * more bytes than there are, for the same ones again and again, or for crumbs in no order (RFC 9110 sections 14.2, 17.15).
 */
export function isWasteful(ranges: readonly ByteRange[], size: number): boolean {
  const bytes = ranges.reduce((sum, range) => sum + lengthOf(range), 0);
  if (bytes > size) return true;
  const ascending = ranges.every(({ start }, index) => index === 0 || start >= ranges[index - 1]!.start);
  if (!ascending && ranges.length > manyRanges && bytes < ranges.length * nearBytes) return true;
  let overlaps = 0;
  let reached = -1;
  for (const { start, end } of sorted(ranges)) {
    if (start <= reached) overlaps += 1;
    reached = Math.max(reached, end);
  }
  return overlaps > 1;
}

/**
 * The same bytes in as few ranges as make sense: what touches, overlaps or has a gap smaller than a part's head becomes
 * one (section 15.3.7.2). Each stands where the first of its members stood. Sorts and sweeps: n log n, whatever is asked.
 */
export function mergeRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: { start: number; end: number; place: number }[] = [];
  for (const { start, end, place } of sorted(ranges.map((range, index) => ({ ...range, place: index })))) {
    const last = merged.at(-1);
    if (last && start <= last.end + 1 + nearBytes) {
      last.end = Math.max(last.end, end);
      last.place = Math.min(last.place, place);
    } else merged.push({ start, end, place });
  }
  return merged.sort((a, b) => a.place - b.place).map(({ start, end }) => ({ start, end }));
}

function sorted<Range extends ByteRange>(ranges: readonly Range[]): readonly Range[] {
  return [...ranges].sort((a, b) => a.start - b.start);
}
