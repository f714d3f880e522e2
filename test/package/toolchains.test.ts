import { readFileSync } from 'node:fs';
import { install, pack, versionOf } from './installed.js';
import { bunIn, execute, nodeOf, runCommand } from './run-command.js';
import { toolchains, type FolderName, type Refusal, type Toolchain } from './toolchains.js';

const minutes = 60_000;
const packed = pack();
const folders: Readonly<Record<FolderName, string | undefined>> = {
  current: await install('current', packed),
  previous: await install('previous', packed),
  bare: await install('bare', packed),
};

/** What runs a row, or why it cannot be run here. */
function findRunner({ commands }: Toolchain, folder: string | undefined, major: 20 | 24): Runner {
  if (folder === undefined) return { missing: 'the packages of compat, which npm cannot fetch without a network' };
  if (commands.some((command) => 'bun' in command)) {
    const executable = bunIn(folder);
    return executable ? { executable } : { missing: 'a Bun for this platform' };
  }
  const executable = nodeOf(major);
  return executable ? { executable } : { missing: `Node ${major}, from "npm ci --prefix compat/node"` };
}
type Runner = { readonly executable: string } | { readonly missing: string };

const isToolchain = (row: Toolchain | Refusal): row is Toolchain => !('no' in row);
const cases = toolchains.filter(isToolchain).flatMap((row) =>
  (row.nodes ?? [20]).map((major) => {
    const versions = row.packages.map((name) => `${name} ${versionOf(row.folder, name)}`).join(', ');
    const title = `${row.name} (${versions})${row.nodes ? `, Node ${major}` : ''}`;
    return { row, title, runner: findRunner(row, folders[row.folder], major) };
  }),
);
const missing = cases.flatMap(({ runner }) => ('missing' in runner ? [runner.missing] : []));
if (missing.length > 0) {
  const line = `${missing.length} of ${cases.length} toolchains left out, for want of ${[...new Set(missing)].join(' and ')}`;
  if (process.env.CI) throw new Error(`All toolchains are mandatory in CI: ${line}.`);
  process.stderr.write(`${line}\n`);
}

/** Two at a time, however many tests Jest starts at once. */
function limiter(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (places === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else places -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else places += 1;
    }
  };
}
const limited = limiter(2);

describe('the packed package works with', () => {
  for (const { row, title, runner } of cases) {
    if ('missing' in runner) {
      it.skip(title, () => undefined);
      continue;
    }
    it.concurrent(
      title,
      () =>
        limited(async () => {
          for (const command of row.commands) {
            const fault = await runCommand(folders[row.folder]!, command, runner.executable, row.prints);
            if (fault !== undefined) throw new Error(fault);
          }
        }),
      5 * minutes,
    );
  }
});

const here = folders.current === undefined ? it.skip : it;

describe('the packed package', () => {
  here('loads every entry by import and by require, with the same exports', async () => {
    const { output } = await execute(process.execPath, ['esm/entries.mjs'], folders.current!);
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: object };
    const entries = Object.keys(exports).length - 1; // without ./package.json
    expect(output).toBe(`${entries} entries have the same exports by import and by require\n`);
  });

  here('recognises the errors, fields and stored files of its other copy in one process', async () => {
    const { output } = await execute(process.execPath, ['esm/copies.mjs'], folders.current!);
    expect(output).toBe('both copies agree\n');
  });

  here('has a command that npx finds', async () => {
    const { code, output } = await execute('npx', ['--no-install', 'filefield', '--help'], folders.current!);
    expect([code, output]).toEqual([0, expect.stringContaining('Usage: filefield')]);
  });

  it('has declarations for moduleResolution node10 where its exports have them for require', () => {
    const { exports, typesVersions } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      exports: Readonly<Record<string, { readonly require: { readonly types: string } }>>;
      typesVersions: unknown;
    };
    const entries = Object.entries(exports).filter(([name]) => name !== '.' && name !== './package.json');
    const wanted = entries.map(([name, { require }]) => [name.slice(2), [require.types]]);
    expect(typesVersions).toEqual({ '*': Object.fromEntries(wanted) });
  });
});

function lineOf(row: Toolchain | Refusal): string {
  if (!isToolchain(row)) return `| ${row.name} | | | no: ${row.no} |`;
  const versions = row.packages.map(
    (name) => `${name.replace(/^typescript-.*/, 'typescript')} ${versionOf(row.folder, name)}`,
  );
  const nodes = row.nodes ? `; Node ${row.nodes.join(', ')}` : '';
  return `| ${row.name} | ${versions.join(', ')}${nodes} | ${row.shows} | works |`;
}

describe('docs/toolchains.md', () => {
  it('has the table of what is tested', () => {
    const table = readFileSync('docs/toolchains.md', 'utf8')
      .match(/^\|.*\n/gm)
      ?.slice(2);
    expect(table?.join('')).toBe(toolchains.map((row) => `${lineOf(row)}\n`).join(''));
  });
});
