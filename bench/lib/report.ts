import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Result } from './compare.js';
import { cellsOf, heads, notesOf } from './text.js';

const file = 'bench/results.json';

/** A result, and where it belongs. */
export interface Kept extends Result {
  /** Of its group. */
  readonly title: string;
  readonly date: string;
}

export interface Report {
  /** What the last run ran on. */
  readonly machine: string;
  readonly results: readonly Kept[];
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

/** Puts results in the place of those of the same name, in the order that is given. Digits that mean nothing are left out. */
export function writeReport(results: readonly Kept[], order: readonly string[]): Report {
  const kept = new Map([...readReport().results, ...results].map((result) => [result.name, result]));
  const place = ({ title }: Kept) => order.indexOf(title);
  const sorted = [...kept.values()].sort((one, other) => place(one) - place(other));
  const report = { machine: machine(), results: sorted };
  const text = JSON.stringify(report, (_key, value) => (typeof value === 'number' ? digits(value) : value), 2);
  writeFileSync(file, `${text.replace(spreads, '{ $1, $2, $3 }')}\n`);
  return report;
}

/** Spreads of three lines are one. */
const spreads = /\{\s+("q1": [\d.]+),\s+("median": [\d.]+),\s+("q3": [\d.]+)\s+\}/g;
const digits = (value: number) => Number(value.toPrecision(4));

/** A table of results, and what the other sides leave out. */
export function printResults(title: string, results: readonly Result[]): void {
  const rows = results.map(cellsOf);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((text, at) => text.padEnd(widths[at]!)).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  console.log(['', `## ${title}`, '', line(heads), rule, ...rows.map(line), '', ...notesOf(results)].join('\n'));
}
