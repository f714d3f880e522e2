import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { isMet, type Result } from './compare.js';
import type { Spread } from './statistics.js';

const file = 'bench/results.json';

/** The results of earlier runs, of which later ones replace some. */
export interface Report {
  /** What the last run ran on. */
  readonly machine: string;
  readonly results: readonly (Result & { readonly date: string })[];
}

export const machine = () => `${cpus().length} × ${cpus()[0]!.model.trim()}, Linux, Node ${process.versions.node}`;

export function readReport(): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { machine: machine(), results: [] };
  }
}

/** Puts results in the place of those with the same names. Digits that mean nothing are left out. */
export function writeReport(results: readonly Result[]): Report {
  const date = new Date().toISOString().slice(0, 10);
  const kept = new Map(readReport().results.map((result) => [result.name, result]));
  for (const result of results) kept.set(result.name, { ...result, date });
  const report = { machine: machine(), results: [...kept.values()] };
  const text = JSON.stringify(report, (_key, value) => (typeof value === 'number' ? digits(value) : value), 2);
  writeFileSync(file, `${text}\n`);
  return report;
}

const digits = (value: number) => Number(value.toPrecision(4));

/** A table of results, and what the other sides leave out. */
export function printResults(title: string, results: readonly Result[]): void {
  console.log(`\n## ${title}\n`);
  const head = ['', 'filefield', 'other side', 'ratio', 'target', 'first', 'per second'];
  const rows = results.map((result) => {
    const { name, unit, ours, peer, ratio, target, limit, rateUnit } = result;
    const goal = limit === undefined ? `${target ?? ''}` : `at most ${limit} ${unit}`;
    return [
      name,
      `${spread(ours.cost)} ${unit}`,
      peer ? `${peer.name} ${spread(peer.cost)} ${unit}` : '',
      ratio ? spread(ratio, 2) : '',
      `${goal}${isMet(result) === false ? ' missed' : ''}`,
      ratio ? (ratio.median >= 1 ? 'filefield' : peer!.name) : '',
      ours.rate ? `${number(ours.rate.median)} / ${peer?.rate ? number(peer.rate.median) : ''} ${rateUnit}` : '',
    ];
  });
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((text, at) => text.padEnd(widths[at]!)).join(' | ')} |`;
  console.log([line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n'));
  const notes = new Map(results.map(({ peer, note }) => [note, peer?.name]));
  for (const [note, peer] of notes) console.log(`${peer ? `${peer}: ` : ''}${note}`);
}

const spread = ({ q1, median, q3 }: Spread, decimals?: number) =>
  `${number(median, decimals)} (${number(q1, decimals)}–${number(q3, decimals)})`;

/** With the decimals that say something. */
export function number(value: number, decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2): string {
  return value.toFixed(decimals);
}
