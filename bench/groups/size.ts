import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Group } from '../lib/compare.js';
import { profileFrom } from '../lib/profile.js';

/** What npm would pack. */
interface Tarball {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

async function tarball(): Promise<Tarball> {
  const options = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', options, { maxBuffer: 2 ** 26 });
  const [packed] = JSON.parse(stdout) as [Tarball];
  return packed;
}

/** What a file counts as. */
function kindOf(path: string): string {
  const folder = /^dist\/(?:esm|cjs)\//.exec(path)?.[0];
  if (!folder) return 'all others';
  return `${folder}: ${/\.d\.[cm]?ts$/.test(path) ? 'declarations' : 'JavaScript'}`;
}

/** Shares of the package by kinds of files, each compressed by itself. */
function sharesOf({ files }: Tarball): Readonly<Record<string, number>> {
  const kinds = new Map<string, Buffer[]>();
  for (const { path } of files) {
    const kind = kindOf(path);
    kinds.set(kind, [...(kinds.get(kind) ?? []), readFileSync(path)]);
  }
  const sizes = [...kinds].map(([kind, texts]) => [kind, gzipSync(Buffer.concat(texts)).byteLength] as const);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  return Object.fromEntries(sizes.map(([kind, size]) => [kind, size / total]));
}

/** The size of the package as npm publishes it. */
export const sizeGroup: Group = {
  name: 'size',
  title: 'The packed package',
  rounds: 1,
  open: async () => {
    const ours = {
      name: 'package',
      warm: async () => undefined,
      sample: async () => ({ cost: (await tarball()).size / 1000 }),
      partsOf: async (cost: number) => profileFrom(sharesOf(await tarball()), cost),
    };
    const row = {
      name: 'size/packed',
      unit: 'kB',
      limit: 250,
      ours,
      note: 'the tarball: JavaScript, types, the readme and the list of changes',
    };
    return { rows: [row], close: async () => undefined };
  },
};
