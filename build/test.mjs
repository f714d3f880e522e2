// Runs the test suites with the same arguments as Jest. In ESM mode, since MikroORM 7 and file-type are ESM only.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freshExample } from './fresh.mjs';

// Built before the suites, which run at the same time and start the example.
freshExample();
for (const folder of ['compat/mikro-7', 'compat/nest-12']) {
  if (existsSync(`${folder}/node_modules`)) continue;
  console.log(`Installing ${folder} (some seconds, only once) …`);
  const { status } = spawnSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}
const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, jest, { stdio: 'inherit' }).status ?? 1);
