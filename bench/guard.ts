import { measure, type Group, type Settings } from './lib/compare.js';
import { readReport } from './lib/report.js';
import { number } from './lib/text.js';

const name = 'node/storage/1k/raw';

/**
 * Notices a change that makes a small request twice as dear: compares one ratio with the one that is kept. False if it is
 * less than 0.6 of that, even in the better rounds.
 */
export async function guard(groups: readonly Group[], settings: Settings): Promise<boolean> {
  const kept = readReport().results.find((result) => result.name === name)?.ratio;
  if (!kept) throw new Error(`bench/results.json has no ${name}: run "npm run bench -- node --write" before.`);
  const { rows, close } = await groups.find((group) => group.name === 'node')!.open(settings);
  const chosen = rows.filter((row) => row.name === name);
  const [result] = await measure(chosen, { ...settings, rounds: 12, seconds: 0.25 }).finally(close);
  const { median, q3 } = result!.ratio!;
  const isGood = q3 >= kept.median * 0.6;
  console.log(`A storage view of 1 KiB: ${number(median, 2)} of a raw server; it was ${number(kept.median, 2)}.`);
  if (!isGood) console.error('A small request costs much more than before. See where its time goes: node --cpu-prof.');
  return isGood;
}
