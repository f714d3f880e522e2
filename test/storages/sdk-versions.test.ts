import { readFileSync } from 'node:fs';

const page = readFileSync('docs/storages.md', 'utf8');

describe('the table of SDKs in docs/storages.md', () => {
  it.each(['@azure/storage-blob', '@google-cloud/storage'])('is right about the installed %s', (name) => {
    const { version, engines } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as {
      version: string;
      engines: { node: string };
    };
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    const [, , on20, on22] = row!.split('|').map((cell) => cell.trim());
    const [major, minor] = version.split('.').map(Number) as [number, number];
    const compared = (text: string) => {
      const [otherMajor, otherMinor] = text.split('.').map(Number) as [number, number];
      return major - otherMajor || (Number.isNaN(otherMinor) ? 0 : minor - otherMinor);
    };
    const least = Number(/\d+/.exec(engines.node)![0]);
    if (least <= 20) expect(compared(on20!)).toBeLessThanOrEqual(0);
    else expect(compared(on22!)).toBeGreaterThanOrEqual(0);
  });
});
