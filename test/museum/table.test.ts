import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { accidents } from './accidents.js';

const suites = readdirSync('test/museum').filter((name) => name.endsWith('.test.ts'));
const replays = suites.flatMap((suite) => [
  ...readFileSync(`test/museum/${suite}`, 'utf8').matchAll(/\baccident(\.failing)?\(\s*'([^']+)'/g),
]);
const names = [...accidents.keys()];
const all = [...accidents.values()];

describe('the museum of accidents', () => {
  it('has a test for every accident of the table, and one only', () => {
    expect(replays.map(([, , name]) => name).sort()).toEqual(names.sort());
  });

  it('says which accidents happen here too', () => {
    const failing = replays.filter(([, fails]) => fails).map(([, , name]) => name);
    expect(failing).toEqual([...accidents].filter(([, { open }]) => open).map(([name]) => name));
  });

  it('has at least 28 accidents, each with a link of its own and a story in one or two sentences', () => {
    expect(all.length).toBeGreaterThanOrEqual(28);
    expect(new Set(all.map(({ link }) => link)).size).toBe(all.length);
    expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([]);
    const isShort = ({ story }: { story: string }) => story.endsWith('.') && story.split(/[.!?] /).length <= 3;
    expect(all.filter((one) => !isShort(one)).map(({ title }) => title)).toEqual([]);
    expect(all.filter(({ link }) => !/^https:\/\/[\w.-]+\/\S+$/.test(link))).toEqual([]);
  });

  it('is printed by `npm run museum` as docs/museum.md has it', () => {
    const printed = execFileSync(process.execPath, ['build/museum.mjs'], { encoding: 'utf8' });
    // `npm run museum -- --write` writes it.
    expect(printed).toBe(readFileSync('docs/museum.md', 'utf8'));
  });
});
