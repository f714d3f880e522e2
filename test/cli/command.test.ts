import { readFileSync } from 'node:fs';
import { commandFolder } from './run-filefield.js';

const folder = commandFolder();
const { version, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string; bin: object };

describe('filefield', () => {
  it('is the command of the package, and can be run as it lies there', () => {
    expect(bin).toEqual({ filefield: './dist/esm/cli/main.js' });
    expect(readFileSync('dist/esm/cli/main.js', 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
  });

  it('says what it can do, and which version it is', async () => {
    const help = await folder.run(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    for (const command of ['doctor', 'nginx', 'apache', 'lighttpd', 'caddy']) expect(help.stdout).toContain(command);
    expect(await folder.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect(await folder.run(['doctor', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--json'),
    });
  });

  it.each([
    [[], /Usage: filefield/],
    [['docter'], /unknown command 'docter'[^]*Did you mean doctor/],
    [['doctor', '--jsn'], /unknown option '--jsn'[^]*Did you mean --json/],
    [['doctor', 'now'], /too many arguments/],
    [['doctor', '--timeout'], /argument missing/],
    [['doctor', '--config'], /argument missing/],
    [['--json'], /unknown option/],
  ])('cannot do %j: exit code 2, and what to do on stderr', async (args, said) => {
    const { code, stdout, stderr } = await folder.run(args);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(said)]);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});
