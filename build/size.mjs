// Says how large the package is as npm would publish it, and fails when it is larger than it may be. Needs a build.
import { execFileSync } from 'node:child_process';

/** What a download may be, in bytes; raise it when a feature is worth it. */
const budget = 250_000;

const [{ size, unpackedSize, entryCount, files }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
);
const kB = (bytes) => `${Math.round(bytes / 1000)} kB`;
console.log(`${kB(size)} packed of ${kB(budget)}, ${kB(unpackedSize)} unpacked, ${entryCount} files`);

const faults = [];
if (size > budget) faults.push(`The package is ${kB(size - budget)} too large.`);
// A map without its source leads a debugger to a file that is not there.
if (files.some(({ path }) => path.endsWith('.map'))) faults.push('The package has source maps, but no sources.');
if (!files.some(({ path }) => path.startsWith('dist/'))) faults.push('The package is not built: run "npm run build".');
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
