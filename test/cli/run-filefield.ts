import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The result of a command. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder in which commands run. */
export interface Folder {
  readonly path: string;
  write(name: string, text: string): string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
}

/** A folder within the repository, so that configurations in it can import the built package. */
export function commandFolder(): Folder {
  mkdirSync('var', { recursive: true });
  const folder = mkdtempSync(path.resolve('var', 'cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    path: folder,
    write(name, text) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    run: (args, env = {}) => runFilefield(folder, args, env),
  };
}

/** The built command in a process of its own. */
function runFilefield(cwd: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    // NODE_OPTIONS of Jest must not apply to the command.
    const inherited = { ...process.env, NODE_OPTIONS: undefined };
    const main = path.resolve('dist/esm/cli/main.js');
    const child = spawn(process.execPath, [main, ...args], { cwd, env: { ...inherited, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
