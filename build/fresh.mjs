// Builds the library (dist) and the example application (dist-example) if they are missing or out of date.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** The time of the last change of files and folders; 0 if none exists. */
function changed(...names) {
  return Math.max(
    ...names.map((name) => {
      const stats = statSync(name, { throwIfNoEntry: false });
      if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0;
      return Math.max(stats.mtimeMs, ...readdirSync(name).map((child) => changed(path.join(name, child))));
    }),
  );
}

function run(...args) {
  try {
    execFileSync(process.execPath, args, { stdio: 'inherit' });
  } catch {
    console.error('The build failed with the errors above. Run "npm ci" if packages are missing.');
    process.exit(1);
  }
}

const settings = ['package.json', 'tsconfig.json', 'build'];
// Files that the builds write last.
const library = 'dist/cjs/package.json';
const example = 'dist-example/built';

export function freshLibrary() {
  if (changed(library) >= changed('src', ...settings)) return;
  console.log('Building the library (about 10 seconds, only after changes) …');
  run('build/build.mjs');
}

export function freshExample() {
  freshLibrary();
  if (changed(example) >= changed('entities-example', 'migrations-example', library, ...settings)) return;
  console.log('Building the example …');
  rmSync('dist-example', { recursive: true, force: true });
  run('node_modules/typescript/bin/tsc', '-p', 'build/tsconfig.example.json');
  for (const folder of ['page', 'samples']) {
    cpSync(`entities-example/${folder}`, `dist-example/entities-example/${folder}`, { recursive: true });
  }
  writeFileSync(example, '');
}
