// Two passes of the one compiler: real ESM and real CommonJS, each with its own declarations.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

process.chdir(new URL('..', import.meta.url).pathname);
rmSync('dist', { recursive: true, force: true });
for (const kind of ['esm', 'cjs']) {
  console.log(`building ${kind} …`);
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', `build/tsconfig.${kind}.json`], {
    stdio: 'inherit',
  });
}
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
