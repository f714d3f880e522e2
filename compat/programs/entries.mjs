// Loads every entry of the package with import and with require: both must have the same exports.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { exports: entries } = require('filefield/package.json');
const names = (loaded) =>
  Object.keys(loaded).filter((name) => !['default', 'module.exports', '__esModule'].includes(name));

let count = 0;
for (const entry of Object.keys(entries)) {
  if (entry === './package.json') continue;
  const specifier = entry.replace('.', 'filefield');
  const [imported, required] = [names(await import(specifier)), names(require(specifier))];
  assert.ok(imported.length > 0, `${specifier} has no exports`);
  assert.deepEqual(required.sort(), imported.sort(), specifier);
  count += 1;
}
console.log(`${count} entries, each by import and by require`);
