import { isMet, type Result } from './compare.js';
import type { Spread } from './statistics.js';

/** The figures of a result as the cells of a table. */
export function cellsOf(result: Result): readonly string[] {
  const { name, unit, rateUnit, ours, peer, ratio } = result;
  return [
    name,
    `${spread(ours.cost)} ${unit}`,
    peer ? `${peer.name} ${spread(peer.cost)} ${unit}` : '',
    ratio ? spread(ratio, 2) : '',
    goalOf(result),
    ratio && peer ? (ratio.median >= 1 ? 'filefield' : peer.name) : '',
    ours.rate ? `${number(ours.rate.median)} / ${peer?.rate ? number(peer.rate.median) : ''} ${rateUnit}` : '',
  ];
}

export const heads = ['', 'filefield', 'other side', 'ratio', 'target', 'cheaper', 'per second'];

function goalOf(result: Result): string {
  const { target, limit, unit } = result;
  const goal = limit === undefined ? `${target ?? ''}` : `at most ${limit} ${unit}`;
  return isMet(result) === false ? `${goal} missed` : goal;
}

/** Where the time of both sides goes, as the lines of a table; none without a profile. */
export function profileTable({ name, unit, ours, peer }: Result): readonly (readonly string[])[] {
  if (!ours.profile) return [];
  const sides = [ours.profile, peer?.profile ?? []].map((profile) => new Map(profile));
  const parts = [...new Set(sides.flatMap((side) => [...side.keys()]))];
  const cells = (part: string) => sides.map((side) => (side.has(part) ? `${number(side.get(part)!)} ${unit}` : ''));
  return [[name, 'filefield', peer?.name ?? ''], ...parts.map((part) => [part, ...cells(part)])];
}

/** What the other sides leave out, each once. */
export function notesOf(results: readonly Result[]): readonly string[] {
  const notes = new Map(results.map(({ peer, note }) => [note, peer?.name]));
  return [...notes].map(([note, peer]) => (peer ? `${peer}: ${note}.` : `${note}.`));
}

const spread = ({ q1, median, q3 }: Spread, decimals?: number) =>
  `${number(median, decimals)} (${number(q1, decimals)}–${number(q3, decimals)})`;

/** With the decimals that say something. */
export function number(value: number, decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2): string {
  return value.toFixed(decimals);
}
