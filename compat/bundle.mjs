// Bundles a program, and filefield with it: node bundle.mjs esbuild|webpack ENTRY OUTPUT. The ORM, its database and Express
// stay outside. An output that ends with .mjs is ESM, any other CommonJS.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const external = ['typeorm', 'reflect-metadata', 'express'];
const [bundler, entry, output] = process.argv.slice(2);
const esm = output.endsWith('.mjs');

async function esbuild() {
  const { build } = await import('esbuild');
  // CommonJS dependencies need a `require` in an ESM bundle, and esbuild provides none.
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    minify: true,
    platform: 'node',
    format: esm ? 'esm' : 'cjs',
    banner: { js: esm ? banner : '' },
    external,
    logLevel: 'warning',
  });
}

async function webpack() {
  const { default: pack } = await import('webpack');
  const target = path.resolve(output);
  const compiler = pack({
    mode: 'production',
    target: 'node20',
    entry: path.resolve(entry),
    output: { path: path.dirname(target), filename: path.basename(target), module: esm, asyncChunks: false },
    experiments: { outputModule: esm },
    externalsType: esm ? 'module' : 'commonjs',
    externals: external,
    performance: { hints: false },
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : resolve(result)));
  });
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString('errors-warnings'));
}

await { esbuild, webpack }[bundler]();
if (/(require\(|from ?)['"](filefield|file-type)/.test(readFileSync(output, 'utf8'))) {
  throw new Error(`${output} does not contain filefield, it imports it`);
}
