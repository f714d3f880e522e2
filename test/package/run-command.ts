import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { success, type Command, type Resolution } from './toolchains.js';

/** The Node of a major version: the one that runs the tests for 20, one of compat/node for a newer one. */
export function nodeOf(major: 20 | 24): string | undefined {
  if (major === 20) return process.execPath;
  const file = path.resolve(`compat/node/node_modules/node${major}/bin/node`);
  return existsSync(file) ? file : undefined;
}

/** Bun as its package for this platform has it; the package `bun` itself only links to it, in an install script. */
export function bunIn(folder: string): string | undefined {
  const { platform, arch } = process;
  const name = `bun-${platform === 'win32' ? 'windows' : platform}-${arch === 'arm64' ? 'aarch64' : arch}`;
  const file = path.join(folder, 'node_modules/@oven', name, 'bin', platform === 'win32' ? 'bun.exe' : 'bun');
  return existsSync(file) ? file : undefined;
}

/** Runs one command in an installed folder; resolves to what is wrong, or undefined. */
export async function runCommand(
  folder: string,
  command: Command,
  executable: string,
  prints = success,
): Promise<string | undefined> {
  if ('tsc' in command) return compile(folder, command.tsc, command.resolution, command.files);
  const args = 'bun' in command ? command.bun : command.node;
  const { code, output } = await execute(executable, args, folder);
  // What builds a bundle prints nothing.
  const wanted = args[0] === 'bundle.mjs' ? '' : prints;
  return code === 0 && output.includes(wanted)
    ? undefined
    : `${path.basename(executable)} ${args.join(' ')}\n${output}`;
}

/** Runs a program of this folder; resolves to its exit code and all of its output. */
export function execute(
  file: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number; readonly output: string }> {
  // Options that Jest's own Node was started with are none of the program's.
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

/** Faults of these declarations are there without filefield: they do not compile with these options. */
const faulty = /^node_modules\/(@mikro-orm\/core|@types\/koa)\//;

/** Programs that use every entry. */
const everyEntry: Readonly<Record<Resolution, readonly string[]>> = {
  node10: ['cjs/types/subpaths.ts', 'cjs/types/mikro-orm.ts'],
  // MikroORM 7 is ESM, which TypeScript does not let CommonJS require here.
  node16: ['cjs/types/subpaths.ts', 'esm/types/subpaths.ts', 'esm/types/mikro-orm.ts'],
  nodenext: ['cjs/types/subpaths.ts', 'cjs/types/mikro-orm.ts', 'esm/types/subpaths.ts', 'esm/types/mikro-orm.ts'],
  bundler: ['esm/types/subpaths.ts', 'esm/types/mikro-orm.ts'],
};

/** Compiles programs the strictest way; resolves to the faults. */
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
    // Only TypeScript 6 knows it, and asks for it.
    ...(alias === 'typescript' && resolution === 'node10' && { ignoreDeprecations: '6.0' }),
  };
  mkdirSync(path.join(folder, 'out'), { recursive: true });
  const config = path.join(folder, `tsconfig.${alias}.${resolution}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const { output } = await execute(process.execPath, [`node_modules/${alias}/bin/tsc`, '-p', config], folder);
  const faults = output.split('\n').filter((line) => /error TS\d+/.test(line) && !faulty.test(line));
  // Without any output of a kind that is known, the compiler has not run.
  if (output !== '' && !/error TS\d+/.test(output)) faults.push(output);
  return faults.length === 0 ? undefined : faults.join('\n');
}
