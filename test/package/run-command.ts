import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { success, type Command, type Resolution } from './toolchains.js';

/** The program of a major version of Node: for 20 the Node that runs the tests, for others one of compat/node. */
export function nodeOf(major: 20 | 24): string | undefined {
  if (major === 20) return process.execPath;
  const file = path.resolve(`compat/node/node_modules/node${major}/bin/node`);
  return existsSync(file) ? file : undefined;
}

/** Bun from the package for this platform; the package `bun` only links to it, in an install script. */
export function bunIn(folder: string): string | undefined {
  const { platform, arch } = process;
  const name = `bun-${platform === 'win32' ? 'windows' : platform}-${arch === 'arm64' ? 'aarch64' : arch}`;
  const file = path.join(folder, 'node_modules/@oven', name, 'bin', platform === 'win32' ? 'bun.exe' : 'bun');
  return existsSync(file) ? file : undefined;
}

/** Runs one command in an installed folder. Returns the fault, or undefined if there is none. */
export async function runCommand(
  folder: string,
  command: Command,
  executable: string,
  prints = success,
): Promise<string | undefined> {
  if ('tsc' in command) return compile(folder, command.tsc, command.resolution, command.files);
  const args = 'bun' in command ? command.bun : command.node;
  const { code, output } = await execute(executable, args, folder);
  // Commands that build a bundle print nothing.
  const expected = args[0] === 'bundle.mjs' ? '' : prints;
  return code === 0 && output.includes(expected)
    ? undefined
    : `${path.basename(executable)} ${args.join(' ')}\n${output}`;
}

/** Runs a program in this folder. Returns its exit code and all of its output. */
export function execute(
  file: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number; readonly output: string }> {
  // The program must not get the Node options of Jest.
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env, timeout: 120_000, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, output: `${stdout}${stderr}` });
    });
  });
}

const modules: Readonly<Record<Resolution, string>> = {
  node10: 'commonjs',
  node16: 'node16',
  nodenext: 'nodenext',
  bundler: 'esnext',
};

/** These declarations do not compile with the options below, with or without filefield. */
const faulty = /^node_modules\/(@mikro-orm\/core|@types\/koa|@google-cloud\/storage)\//;

/** Programs that use every entry. */
const everyEntry: Readonly<Record<Resolution, readonly string[]>> = {
  node10: ['cjs/types/subpaths.ts', 'cjs/types/mikro-orm.ts', 'cjs/types/nest.ts'],
  // MikroORM 7 is ESM, which TypeScript does not let CommonJS require here.
  node16: ['cjs/types/subpaths.ts', 'esm/types/subpaths.ts', 'esm/types/mikro-orm.ts', 'esm/types/nest.ts'],
  nodenext: [
    'cjs/types/subpaths.ts',
    'cjs/types/mikro-orm.ts',
    'cjs/types/nest.ts',
    'esm/types/subpaths.ts',
    'esm/types/mikro-orm.ts',
    'esm/types/nest.ts',
  ],
  bundler: ['esm/types/subpaths.ts', 'esm/types/mikro-orm.ts', 'esm/types/nest.ts'],
};

/** Compiles programs with the strictest options. Returns the faults, or undefined if there are none. */
async function compile(
  folder: string,
  alias: string,
  resolution: Resolution,
  files = everyEntry[resolution],
): Promise<string | undefined> {
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2022'],
    types: ['node'],
    module: modules[resolution],
    moduleResolution: resolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    esModuleInterop: true,
    noEmit: true,
    // Only TypeScript 6 knows this option, and it requires it.
    ...(alias === 'typescript' && resolution === 'node10' && { ignoreDeprecations: '6.0' }),
  };
  mkdirSync(path.join(folder, 'out'), { recursive: true });
  const config = path.join(folder, `tsconfig.${alias}.${resolution}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const { output } = await execute(process.execPath, [`node_modules/${alias}/bin/tsc`, '-p', config], folder);
  const faults = output.split('\n').filter((line) => /error TS\d+/.test(line) && !faulty.test(line));
  // Other output means that the compiler did not run.
  if (output !== '' && !/error TS\d+/.test(output)) faults.push(output);
  return faults.length === 0 ? undefined : faults.join('\n');
}
