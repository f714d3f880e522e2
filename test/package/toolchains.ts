/** A folder of `compat/` into which the packed package is installed: with one set of majors, or without peers. */
export type FolderName = 'current' | 'previous' | 'bare';

/** How TypeScript finds the declarations of a package. */
export type Resolution = 'node10' | 'node16' | 'nodenext' | 'bundler';

/** One run in an installed folder. */
export type Command =
  | { readonly node: readonly string[] }
  | { readonly bun: readonly string[] }
  | { readonly tsc: string; readonly resolution: Resolution; readonly files?: readonly string[] };

/** A row of docs/toolchains.md that a test runs. */
export interface Toolchain {
  readonly name: string;
  readonly folder: FolderName;
  /** Packages whose versions the page shows, named as in the manifest of the folder. */
  readonly packages: readonly string[];
  /** What the commands prove, as the page says it. */
  readonly shows: string;
  /** Node 20 means the Node that runs the tests. Older majors of packages run on the older Node only. */
  readonly nodes?: readonly (20 | 24)[];
  readonly commands: readonly Command[];
  /**
   * A text that each command must print.
   * @default `success`
   */
  readonly prints?: string;
}

/** A row of docs/toolchains.md for a toolchain that does not work. */
export interface Refusal {
  readonly name: string;
  readonly no: string;
}

/** The output of each program of `compat/programs` on success. */
export const success = 'created 201, refused 415, read image/png true';

const node = (...args: string[]): Command => ({ node: args });
const bun = (...args: string[]): Command => ({ bun: args });
const bin = {
  jest: 'node_modules/jest/bin/jest.js',
  tsNode: 'node_modules/ts-node/dist/bin.js',
  tsx: 'node_modules/tsx/dist/cli.mjs',
  vitest: 'node_modules/vitest/vitest.mjs',
};
const swc = {
  jsc: { parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true } },
};
const jest = (folder: 'cjs' | 'esm', test: string, transform?: unknown): readonly string[] => {
  const config = { testMatch: [`**/${test}`], transform: transform ? { '\\.ts$': transform } : {} };
  return [bin.jest, '--rootDir', folder, '--config', JSON.stringify(config)];
};
const bundle = (bundler: string, entry: string, output: string): readonly Command[] => [
  node('bundle.mjs', bundler, entry, `out/${bundler}-${output}`),
  node(`out/${bundler}-${output}`),
];

const application = 'the application';
/** For a runner of tests, which runs two suites in one process: the application and the one of docs/testing.md. */
const tests = `${application} and the [recipe for tests](testing.md)`;
const bothSuites = { shows: tests, prints: 'Test Suites: 2 passed, 2 total' };
const javascript = [
  node('esm/entity-schema.mjs'),
  node('cjs/entity-schema.cjs'),
  node('esm/mikro-orm.mjs'),
  node('cjs/mikro-orm.cjs'),
];

function typescript(version: string, folder: FolderName, alias: string, resolutions: readonly Resolution[]): Toolchain {
  return {
    name: `TypeScript ${version}: ${resolutions.map((name) => `\`${name}\``).join(', ')}`,
    folder,
    packages: [alias, 'typeorm', '@mikro-orm/core'],
    shows: 'the types of every entry',
    commands: resolutions.map((resolution) => ({ tsc: alias, resolution })),
  };
}

function nest(folder: FolderName): Toolchain {
  return {
    name: 'NestJS, plain JavaScript, ESM and CommonJS',
    folder,
    packages: ['@nestjs/core', '@nestjs/typeorm', 'typeorm'],
    shows: application,
    nodes: folder === 'previous' ? [20] : [20, 24],
    commands: [node('esm/nest.mjs'), node('cjs/nest.cjs')],
  };
}

const all: readonly Resolution[] = ['node10', 'node16', 'nodenext', 'bundler'];

export const toolchains: readonly (Toolchain | Refusal)[] = [
  {
    name: 'Node, plain JavaScript, ESM and CommonJS',
    folder: 'current',
    packages: ['typeorm', '@mikro-orm/core', 'express'],
    shows: `${application} on each ORM`,
    nodes: [20, 24],
    commands: javascript,
  },
  {
    name: 'Node, plain JavaScript, ESM and CommonJS',
    folder: 'previous',
    packages: ['typeorm', '@mikro-orm/core', 'express'],
    shows: `${application} on each ORM`,
    nodes: [20],
    commands: javascript,
  },
  {
    name: 'Node and TypeScript, no peer dependency',
    folder: 'bare',
    packages: ['typescript', '@types/node'],
    shows: 'every entry that needs none, and its types',
    nodes: [20, 24],
    commands: [
      node('esm/entries.mjs', '--without-peers'),
      {
        tsc: 'typescript',
        resolution: 'nodenext',
        files: ['esm/types/without-peers.ts', 'cjs/types/without-peers.ts'],
      },
    ],
    prints: 'entries have the same exports by import and by require',
  },
  {
    name: 'Node 22 and later, its own TypeScript, with decorators',
    no: 'Node strips types and compiles no decorators; `EntitySchema` and `defineEntity` need none',
  },
  {
    name: 'Jest in CommonJS without a flag, ts-jest',
    folder: 'current',
    packages: ['jest', 'ts-jest', 'typescript', 'typeorm'],
    ...bothSuites,
    nodes: [20, 24],
    commands: [{ node: jest('cjs', '{decorators,recipe}.test.ts', 'ts-jest') }],
  },
  {
    name: 'Jest in CommonJS without a flag, @swc/jest',
    folder: 'current',
    packages: ['jest', '@swc/jest', '@swc/core', 'typeorm'],
    ...bothSuites,
    nodes: [20, 24],
    commands: [{ node: jest('cjs', '{decorators,recipe}.test.ts', ['@swc/jest', swc]) }],
  },
  {
    name: 'Jest in CommonJS without a flag, ts-jest',
    folder: 'previous',
    packages: ['jest', 'ts-jest', 'typescript', 'typeorm'],
    ...bothSuites,
    nodes: [20],
    commands: [{ node: jest('cjs', '{decorators,recipe}.test.ts', 'ts-jest') }],
  },
  {
    name: 'Jest in CommonJS without a flag, @swc/jest',
    folder: 'previous',
    packages: ['jest', '@swc/jest', '@swc/core', 'typeorm'],
    ...bothSuites,
    nodes: [20],
    commands: [{ node: jest('cjs', '{decorators,recipe}.test.ts', ['@swc/jest', swc]) }],
  },
  {
    name: 'Jest in CommonJS without a flag, MikroORM 6',
    folder: 'previous',
    packages: ['jest', '@mikro-orm/core'],
    shows: application,
    nodes: [20],
    commands: [{ node: jest('cjs', 'mikro-orm.test.cjs') }],
  },
  {
    name: 'Jest in CommonJS without a flag, MikroORM 7',
    no: 'MikroORM 7 is ESM only, which Jest does not load without a flag; use ESM mode, the next row',
  },
  {
    name: 'Jest in ESM mode (`node --experimental-vm-modules`)',
    folder: 'current',
    packages: ['jest', '@mikro-orm/core'],
    shows: application,
    nodes: [20, 24],
    commands: [{ node: ['--experimental-vm-modules', ...jest('esm', 'mikro-orm.test.mjs')] }],
  },
  {
    name: 'vitest',
    folder: 'current',
    packages: ['vitest', 'typeorm'],
    shows: tests,
    commands: [node(bin.vitest, 'run', '--globals', 'esm/decorators.test.ts', 'esm/recipe.test.ts')],
    prints: 'Tests  3 passed (3)',
  },
  {
    name: '`node --test` with tsx, ESM and CommonJS',
    folder: 'current',
    packages: ['tsx', 'typeorm', '@mikro-orm/core'],
    shows: 'the [recipe for tests](testing.md) on each ORM',
    commands: [
      node('--import', 'tsx', '--test', 'esm/recipe.node.ts'),
      node('--import', 'tsx', '--test', 'cjs/recipe.node.ts'),
      node('--import', 'tsx', '--test', 'esm/recipe-mikro.node.ts'),
    ],
    prints: 'pass 2',
  },
  {
    name: 'tsx, ESM and CommonJS',
    folder: 'current',
    packages: ['tsx', 'typeorm'],
    shows: application,
    commands: [node(bin.tsx, 'esm/decorators.ts'), node(bin.tsx, 'cjs/decorators.ts')],
  },
  {
    name: 'SWC (`@swc-node/register`), ESM and CommonJS',
    folder: 'current',
    packages: ['@swc-node/register', '@swc/core', 'typeorm'],
    shows: application,
    commands: [
      node('--import', '@swc-node/register/esm-register', 'esm/decorators.ts'),
      node('--require', '@swc-node/register', 'cjs/decorators.ts'),
    ],
  },
  {
    name: 'ts-node with types, ESM and CommonJS (`moduleResolution` `node10`)',
    folder: 'previous',
    packages: ['ts-node', 'typescript', 'typeorm'],
    shows: application,
    commands: [
      node('--loader', 'ts-node/esm', 'esm/decorators.ts'),
      node(bin.tsNode, '-O', '{"module":"commonjs","moduleResolution":"node10"}', 'cjs/decorators.ts'),
    ],
  },
  {
    name: 'esbuild, bundles of TypeScript, ESM and CommonJS (an ESM bundle needs the usual `require` banner)',
    folder: 'current',
    packages: ['esbuild', 'typeorm'],
    shows: application,
    commands: [
      ...bundle('esbuild', 'esm/decorators.ts', 'typescript.mjs'),
      ...bundle('esbuild', 'cjs/decorators.ts', 'typescript.cjs'),
      ...bundle('esbuild', 'cjs/entity-schema.cjs', 'javascript.cjs'),
    ],
  },
  {
    name: 'webpack, bundles of ESM and CommonJS',
    folder: 'current',
    packages: ['webpack', 'typeorm'],
    shows: application,
    commands: [
      ...bundle('webpack', 'esm/entity-schema.mjs', 'esm.mjs'),
      ...bundle('webpack', 'esm/entity-schema.mjs', 'esm.cjs'),
      ...bundle('webpack', 'cjs/entity-schema.cjs', 'javascript.cjs'),
    ],
  },
  {
    name: 'Bun, TypeScript with decorators and JavaScript',
    folder: 'current',
    packages: ['bun', 'typeorm', '@mikro-orm/core'],
    shows: `${application} on each ORM`,
    commands: [
      bun('esm/decorators.ts'),
      bun('cjs/decorators.ts'),
      bun('esm/mikro-orm.mjs'),
      bun('cjs/entity-schema.cjs'),
    ],
  },
  nest('current'),
  nest('previous'),
  typescript('5.4', 'previous', 'typescript-5.4', all),
  typescript('5.5', 'previous', 'typescript-5.5', ['nodenext']),
  typescript('5.9', 'current', 'typescript-5.9', ['nodenext']),
  typescript('6.0', 'current', 'typescript', ['node10', 'nodenext']),
  typescript('7.0', 'current', 'typescript-7.0', ['node16', 'nodenext', 'bundler']),
  { name: 'TypeScript 7: `node10`', no: 'TypeScript 7 does not have it' },
  {
    name: 'TypeScript in a CommonJS file with `module` `node16`, MikroORM 7',
    no: 'TypeScript reports TS1479, since it assumes there that `require` cannot load ESM; use `nodenext`',
  },
];
