import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** The library and some scripts as JavaScript, to be run in other processes. */
export interface Compiled {
  /** The path of the compiled script. */
  script(file: string): string;
  remove(): void;
}

/**
 * Compiles `src` and a folder of scripts to JavaScript, without checking types, in about a second. The result is inside the
 * repository, so that Node finds the packages, and is a package named `filefield`, so that scripts find the library.
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
  const subpaths = Object.entries(exports).flatMap(([name, target]) =>
    target.import ? [[name, target.import.default.replace('/dist/esm/', '/src/')]] : [],
  );
  const manifest = { name: 'filefield', type: 'module', exports: Object.fromEntries(subpaths) as object };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  return {
    script: (file) => path.join(folder, file.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
