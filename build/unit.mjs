// Runs the suites that need only Node and the packages: no server, root, network or build. At the end it lists the suites
// that it skipped. Arguments are passed to Jest.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The needs of suites that import one of these files of `test`, directly or indirectly. */
const byImport = {
  'databases.ts': 'PostgreSQL and MariaDB',
  'postgres-cluster.ts': 'the programs of PostgreSQL',
  'start-front.ts': 'nginx, Apache, lighttpd and Caddy',
  'signing-storage.ts': 'an S3 server',
  'azurite.ts': 'Azurite',
  'run-filefield.ts': 'the built package',
  'start-application.ts': 'the built example application',
};

/** The needs of all suites in a folder, and of single suites. */
const byPath = {
  'test/crash/': 'some minutes',
  'test/example/': 'the built example application',
  'test/package/': 'packages of the npm registry',
  'test/example/browser': 'Chromium',
  'test/send/memory': 'half a minute',
};

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.posix.join('test', name.replaceAll(path.sep, '/')));

const imports = new Map(
  files.map((file) => [
    file,
    [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)]
      .map(([, name]) => `${path.posix.join(path.posix.dirname(file), name)}.ts`)
      .filter((name) => name.startsWith('test/')),
  ]),
);

/** The file and all files of `test` that it imports, directly or indirectly. */
function closure(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const name of imports.get(file) ?? []) closure(name, seen);
  return seen;
}

function needsOf(suite) {
  const imported = new Set([...closure(suite)].map((file) => path.posix.basename(file)));
  const needs = [
    ...Object.entries(byImport).filter(([name]) => imported.has(name)),
    ...Object.entries(byPath).filter(([start]) => suite.startsWith(start)),
  ];
  return [...new Set(needs.map(([, need]) => need))];
}

/** The suites without needs, and the others by their needs. */
function suites() {
  const names = new Set(files.map((file) => path.posix.basename(file)));
  const unknown = [
    ...Object.keys(byImport).filter((name) => !names.has(name)),
    ...Object.keys(byPath).filter((start) => !files.some((file) => file.startsWith(start))),
  ];
  if (unknown.length > 0) throw new Error(`build/unit.mjs lists ${unknown.join(', ')}, which do not exist in test`);
  const unit = [];
  const others = new Map();
  for (const suite of files.filter((file) => file.endsWith('.test.ts'))) {
    const needs = needsOf(suite).join(', ');
    if (needs === '') unit.push(suite);
    else others.set(needs, [...(others.get(needs) ?? []), suite]);
  }
  return { unit, others };
}

const { unit, others } = suites();
const jest = [
  '--experimental-vm-modules',
  '--no-warnings',
  'node_modules/jest/bin/jest.js',
  '--selectProjects',
  'default',
];
const { status } = spawnSync(
  process.execPath,
  [...jest, '--maxWorkers=100%', ...process.argv.slice(2), '--runTestsByPath', ...unit],
  { stdio: 'inherit' },
);
console.log('\nSkipped here, and run by `npm test`, are the suites that need');
for (const [needs, skipped] of others) {
  console.log(`- ${needs}: ${skipped.map((suite) => suite.slice('test/'.length, -'.test.ts'.length)).join(', ')}`);
}
process.exit(status ?? 1);
