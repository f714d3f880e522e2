import { measure, type Group, type Settings } from './lib/compare.js';
import { publish } from './lib/publish.js';
import { programs, runProgram } from './lib/programs.js';
import { machine, printResults, writeReport, type Kept } from './lib/report.js';
import { guard } from './guard.js';
import { servingGroups } from './groups/serving.js';
import { objectGroups } from './groups/objects.js';
import { insertGroups } from './groups/insert.js';
import { receiveGroups } from './groups/receive.js';
import { findGroups } from './groups/find.js';
import { sweepGroups } from './groups/sweep.js';
import { deliveryGroup } from './groups/delivery.js';
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
  deliveryGroup,
  ...insertGroups,
  ...receiveGroups,
  stageGroup,
  ...findGroups,
  ...sweepGroups,
  startGroup,
  sizeGroup,
];

const options = process.argv.slice(2).filter((text) => text.startsWith('--'));
const names = process.argv.slice(2).filter((text) => !text.startsWith('--'));
const quick = options.includes('--quick');
const profile = options.includes('--profile');
const settings: Settings = { quick, profile, ...(quick ? { rounds: 3, seconds: 0.1 } : { rounds: 11, seconds: 0.4 }) };
const begins = (name: string, beginning: string) => name === beginning || name.startsWith(`${beginning}/`);
const isWanted = (name: string) => names.length === 0 || names.some((wanted) => begins(name, wanted));

if (names.includes('guard')) process.exit((await guard(groups, settings)) ? 0 : 1);
const isNamed = (name: string) => names.some((wanted) => begins(wanted, name) || begins(name, wanted));
const isShort = ({ onlyNamed = false }: Group) => names.length === 0 && !(quick && onlyNamed);
const chosen = groups.filter((group) => isShort(group) || isNamed(group.name));
const others = programs.filter((name) => (names.length === 0 ? !quick : names.includes(name)));
if (chosen.length + others.length === 0) {
  const known = [...groups.map(({ name }) => name), ...programs, 'guard'].join(', ');
  console.error(`No figure is called ${names.join(' ')}. There are ${known}.`);
  process.exit(1);
}

console.log(`${machine()}; at most ${settings.rounds} rounds in random orders; medians and quartiles`);
const date = new Date().toISOString().slice(0, 10);
const titles = groups.map(({ title }) => title);
for (const { title, rounds = Infinity, open } of chosen) {
  const { rows, close } = await open(settings);
  const wanted = rows.filter(({ name }) => isWanted(name));
  const most = quick ? Math.ceil(rounds / 3) : rounds;
  const measured = await measure(wanted, { ...settings, rounds: Math.min(settings.rounds, most) }).finally(close);
  if (measured.length > 0) printResults(title, measured);
  const kept: readonly Kept[] = measured.map((result) => ({ ...result, title, date }));
  if (options.includes('--write')) publish(writeReport(kept, titles));
}
for (const name of others) runProgram(name, options);
