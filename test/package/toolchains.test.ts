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

/** Returns the program that runs a row, or what is missing here. */
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
  const line = `${missing.length} of ${cases.length} toolchains were skipped; missing here: ${[...new Set(missing)].join(' and ')}`;
  if (process.env.CI) throw new Error(`All toolchains are mandatory in CI: ${line}.`);
  process.stderr.write(`${line}\n`);
}

/** Limits how many of the works run at the same time; Jest starts all concurrent tests at once. */
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
      // Each command has a time of its own; this one includes that of the tests before it.
      60 * minutes,
    );
  }
});

const ifInstalled = folders.current === undefined ? it.skip : it;

describe('the packed package', () => {
  ifInstalled('loads every entry by import and by require, with the same exports', async () => {
    const { output } = await execute(process.execPath, ['esm/entries.mjs'], folders.current!);
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: object };
    const entries = Object.keys(exports).length - 1; // without ./package.json
    expect(output).toBe(`${entries} entries have the same exports by import and by require\n`);
  });

  ifInstalled(
    'is one module for import and require, and recognises the errors, fields and stored files of another copy',
    async () => {
      const { output } = await execute(process.execPath, ['esm/copies.mjs'], folders.current!);
      expect(output).toBe('both copies agree\n');
    },
  );

  ifInstalled('has a command that npx runs', async () => {
    const { code, output } = await execute('npx', ['--no-install', 'filefield', '--help'], folders.current!);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('Usage: filefield') as string });
  });

  it('has the declarations of require for moduleResolution node10', () => {
    const { exports, typesVersions } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      exports: Readonly<Record<string, { readonly require: { readonly types: string } }>>;
      typesVersions: unknown;
    };
    const entries = Object.entries(exports).filter(([name]) => name !== '.' && name !== './package.json');
    const expected = entries.map(([name, { require }]) => [name.slice(2), [require.types]]);
    expect(typesVersions).toEqual({ '*': Object.fromEntries(expected) });
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
  it('has the table of the tested toolchains', () => {
    const table = readFileSync('docs/toolchains.md', 'utf8')
      .match(/^\|.*\n/gm)
      ?.slice(2);
    expect(table?.join('')).toBe(toolchains.map((row) => `${lineOf(row)}\n`).join(''));
  });
});
