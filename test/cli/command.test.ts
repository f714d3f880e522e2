import { readFileSync } from 'node:fs';
import { commandFolder } from './run-filefield.js';

const folder = commandFolder();
const { version, bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string; bin: object };

describe('filefield', () => {
  it('is the bin of the package, and an executable script', () => {
    expect(bin).toEqual({ filefield: './dist/esm/cli/main.js' });
    expect(readFileSync('dist/esm/cli/main.js', 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
  });

  it('prints its commands, options and version', async () => {
    const help = await folder.run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['doctor', 'nginx', 'apache', 'lighttpd', 'caddy']) expect(help.stdout).toContain(command);
    expect(await folder.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    for (const args of [
      ['doctor', '--help'],
      ['doctor', '-h'],
      ['help', 'doctor'],
      ['--help', 'doctor'],
    ]) {
      expect(await folder.run(args)).toMatchObject({ code: 0, stdout: expect.stringContaining('--json') });
    }
  });

  it.each([
    [[], /Usage: filefield/],
    [['docter'], /unknown command 'docter'[^]*Did you mean doctor/],
    [['doctor', '--jsn'], /unknown option '--jsn'[^]*Did you mean --json/],
    [['doctor', 'now'], /too many arguments/],
    [['doctor', '--timeout'], /argument missing/],
    [['doctor', '--config'], /argument missing/],
    [['doctor', '--timeout', '--json'], /argument missing/],
    [['doctor', '--json=yes'], /"--json" has no value/],
    [['help', 'docter'], /unknown command/],
    [['--json'], /unknown option/],
  ])('exits with 2 and a sentence on stderr for the arguments %j', async (args, sentence) => {
    const { code, stdout, stderr } = await folder.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});
