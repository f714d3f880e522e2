import { measure, type Group, type Result, type Settings } from './lib/compare.js';
import { machine, printResults, writeReport } from './lib/report.js';
import { servingGroups } from './groups/serving.js';
import { objectGroups } from './groups/objects.js';
import { insertGroups } from './groups/insert.js';
import { receiveGroups } from './groups/receive.js';
import { nginxGroup } from './groups/nginx.js';
import { memoryGroup } from './groups/memory.js';
import { startGroup } from './groups/start.js';
import { sizeGroup } from './groups/size.js';
import { stageGroup } from './groups/stage.js';

// Measures all groups, or the rows whose names begin with an argument. `build/bench.mjs` has the options.
const groups: readonly Group[] = [
  ...servingGroups,
  nginxGroup,
  memoryGroup,
  ...objectGroups,
  ...insertGroups,
  ...receiveGroups,
  stageGroup,
  startGroup,
  sizeGroup,
];

const options = process.argv.slice(2).filter((text) => text.startsWith('--'));
const names = process.argv.slice(2).filter((text) => !text.startsWith('--'));
const quick = options.includes('--quick');
const settings: Settings = quick ? { quick, rounds: 3, seconds: 0.2 } : { quick, rounds: 15, seconds: 0.4 };
const isWanted = (name: string) =>
  names.length === 0 || names.some((wanted) => name === wanted || name.startsWith(`${wanted}/`));

const chosen = groups.filter(({ name }) => isWanted(name) || names.some((wanted) => wanted.startsWith(`${name}/`)));
if (chosen.length === 0) {
  console.error(`No figure is called ${names.join(' ')}. Groups: ${groups.map(({ name }) => name).join(', ')}.`);
  process.exit(1);
}

console.log(`${machine()}; ${settings.rounds} rounds, each in a random order; medians and quartiles`);
const results: Result[] = [];
for (const group of chosen) {
  const { rows, close } = await group.open(settings);
  try {
    const measured = await measure(
      rows.filter(({ name }) => isWanted(name)),
      { ...settings, rounds: Math.min(settings.rounds, group.rounds ?? Infinity) },
    );
    printResults(group.title, measured);
    results.push(...measured);
  } finally {
    await close();
  }
}
if (options.includes('--write')) writeReport(results);
