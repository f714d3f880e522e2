// Runs the test suites; arguments go to jest. ESM mode, since MikroORM 7 and file-type are ESM only.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freshExample } from './fresh.mjs';

// Before the suites, which run side by side and start what is built.
freshExample();
if (!existsSync('compat/mikro-7/node_modules')) {
  console.log('installing MikroORM 7 beside MikroORM 6, once (a few seconds) …');
  const { status } = spawnSync('npm', ['ci', '--prefix', 'compat/mikro-7', '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}
const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, jest, { stdio: 'inherit' }).status ?? 1);
