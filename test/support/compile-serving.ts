import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

// The folders of the serving half, which needs no ORM.
const folders = ['adapters', 'file', 'fronts', 'http', 'response', 'send', 'sources', 'storages', 'views', 'testing'];

/** Compiles the serving half into a new folder, for processes whose memory is measured. Returns the folder. */
export function compileServing(): string {
  mkdirSync('var', { recursive: true });
  // Inside the repository, so that Node finds the packages.
  const target = mkdtempSync(path.resolve('var', 'serving-'));
  writeFileSync(path.join(target, 'package.json'), '{ "type": "module" }');
  const roots = readdirSync('src').filter((name) => name.endsWith('.ts'));
  const nested = folders.flatMap((folder) =>
    readdirSync(path.join('src', folder), { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name)),
  );
  for (const name of [...roots, ...nested].filter((file) => file.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(path.join('src', name), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    const output = path.join(target, name.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(output), { recursive: true });
    writeFileSync(output, outputText);
  }
  return target;
}
