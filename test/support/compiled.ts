import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** The library and some scripts, as JavaScript that a process of its own can run. */
export interface Compiled {
  /** Where a script of the repository went. */
  script(file: string): string;
  remove(): void;
}

/**
 * Turns `src` and a folder of scripts into JavaScript, without checking types, in about a second. It lies below the
 * repository, so that packages are found, and is a package called `filefield`, so that scripts find the library.
 */
export function compile(scripts: string): Compiled {
  mkdirSync('var', { recursive: true });
  const folder = mkdtempSync(path.resolve('var', 'compiled-'));
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, isolatedModules: true };
  for (const root of ['src', scripts]) {
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const target = path.join(folder, root, name.replace(/\.ts$/, '.js'));
      const code = ts.transpileModule(readFileSync(path.join(root, name), 'utf8'), { compilerOptions: options });
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, code.outputText);
    }
  }
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, { import?: { default: string } }>;
  };
  const own = Object.entries(exports).flatMap(([name, target]) =>
    target.import ? [[name, target.import.default.replace('/dist/esm/', '/src/')]] : [],
  );
  const manifest = { name: 'filefield', type: 'module', exports: Object.fromEntries(own) as object };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  return {
    script: (file) => path.join(folder, file.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
