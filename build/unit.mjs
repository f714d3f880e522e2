// Runs the suites that need nothing but Node and the packages: no server, no root, no network, no build. It ends by
// saying what it left out. Arguments go to Jest.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What a suite needs when it imports one of these files of `test`, directly or through others. */
const byImport = {
  'databases.ts': 'PostgreSQL and MariaDB',
  'postgres-cluster.ts': 'the programs of PostgreSQL',
  'start-front.ts': 'nginx, Apache, lighttpd and Caddy',
  'signing-storage.ts': 'an S3 server',
  'run-filefield.ts': 'the built package',
  'start-application.ts': 'the built example application',
};

/** What the suites in these folders need, and single suites, whatever they import. */
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

/** The file and everything of `test` that it imports. */
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

/** Suites that need nothing, and the others by what they need. */
function suites() {
  const names = new Set(files.map((file) => path.posix.basename(file)));
  const unknown = [
    ...Object.keys(byImport).filter((name) => !names.has(name)),
    ...Object.keys(byPath).filter((start) => !files.some((file) => file.startsWith(start))),
  ];
  if (unknown.length > 0) throw new Error(`build/unit.mjs speaks of ${unknown.join(', ')}, which test does not have`);
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
console.log('\nLeft out, and run by `npm test`, are the suites that need');
for (const [needs, left] of others) {
  console.log(`- ${needs}: ${left.map((suite) => suite.slice('test/'.length, -'.test.ts'.length)).join(', ')}`);
}
process.exit(status ?? 1);
