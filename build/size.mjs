// Prints the size of the package as npm would publish it, and fails if it is over the budget. Needs a build.
import { execFileSync } from 'node:child_process';

/** The maximum size of the packed package in bytes. Raise it if a feature justifies it. */
const budget = 330_000;

const [{ size, unpackedSize, entryCount, files }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
);
const kB = (bytes) => `${Math.round(bytes / 1000)} kB`;
console.log(`${kB(size)} packed of ${kB(budget)}, ${kB(unpackedSize)} unpacked, ${entryCount} files`);

const faults = [];
if (size > budget) faults.push(`The package is ${kB(size - budget)} over the budget.`);
// A source map without its source points to a file that does not exist.
if (files.some(({ path }) => path.endsWith('.map'))) faults.push('The package has source maps, but no sources.');
if (!files.some(({ path }) => path.startsWith('dist/'))) faults.push('The package is not built: run "npm run build".');
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
