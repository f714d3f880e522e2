import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { isMet, type Measured, type Result } from './compare.js';
import { cellsOf, heads, notesOf, profileTable } from './text.js';

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
  const kept = new Map([...readReport().results, ...results.map(shortened)].map((result) => [result.name, result]));
  const place = ({ title }: Kept) => order.indexOf(title);
  const sorted = [...kept.values()].sort((one, other) => place(one) - place(other));
  const report = { machine: machine(), results: sorted };
  const text = JSON.stringify(report, (_key, value) => (typeof value === 'number' ? digits(value) : value), 2);
  writeFileSync(file, `${text.replace(spreads, '{ $1, $2, $3 }').replace(parts, '[$1, $2]')}\n`);
  return report;
}

/** Without profiles, unless the target is missed: then they say why. */
function shortened(result: Kept): Kept {
  if (isMet(result) === false) return result;
  const { ours, peer } = result;
  return { ...result, ours: figuresOf(ours), ...(peer && { peer: { name: peer.name, ...figuresOf(peer) } }) };
}

const figuresOf = ({ cost, rate }: Measured): Measured => ({ cost, ...(rate && { rate }) });

/** Spreads of three lines are one. */
const spreads = /\{\s+("q1": [\d.]+),\s+("median": [\d.]+),\s+("q3": [\d.]+)\s+\}/g;
/** Parts of profiles, too. */
const parts = /\[\s+("[^"]+"),\s+([\d.e-]+)\s+\]/g;
const digits = (value: number) => Number(value.toPrecision(4));

/** A table of results, what the other sides leave out, and where the time goes. */
export function printResults(title: string, results: readonly Result[]): void {
  const profiles = results.map(profileTable).filter(({ length }) => length > 0);
  const tables = profiles.flatMap((lines) => ['', ...table(lines)]);
  console.log(
    ['', `## ${title}`, '', ...table([heads, ...results.map(cellsOf)]), '', ...notesOf(results), ...tables].join('\n'),
  );
}

function table([head = [], ...rows]: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((text, at) => text.padEnd(widths[at]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
