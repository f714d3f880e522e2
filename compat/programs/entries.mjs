// Loads every entry of the package with import and with require; both must have the same exports. With an argument, loads
// only the entries that need no peer dependency.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { exports: entries } = require('filefield/package.json');
const names = (loaded) =>
  Object.keys(loaded).filter((name) => !['default', 'module.exports', '__esModule'].includes(name));

let count = 0;
for (const entry of Object.keys(entries)) {
  if (
    entry === './package.json' ||
    (process.argv[2] && /typeorm|mikro-orm|express|fastify|koa|nest|s3|azure|google/.test(entry))
  )
    continue;
  const specifier = entry.replace('.', 'filefield');
  const [imported, required] = [names(await import(specifier)), names(require(specifier))];
  assert.ok(imported.length > 0, `${specifier} has no exports`);
  assert.deepEqual(required.sort(), imported.sort(), specifier);
  count += 1;
}
console.log(`${count} entries have the same exports by import and by require`);
