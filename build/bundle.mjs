// Makes the files of the package out of compiled modules: JavaScript and declarations in the same way.
//
// Everything is there once, as CommonJS. An entry of ESM only names what the one of CommonJS exports, so that both are the same
// module in memory. Some parts are there in both formats: those that use packages of which an ESM application has no other copy
// (MikroORM 7, Nest 12), or a copy of its own (the SDKs of Azure and Google). Their ESM takes everything else from CommonJS.
// ESM alone would not do, since Jest does not load it in its CommonJS mode, which is the usual one.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const inBothFormats = /^(orm\/mikro-orm|nest|storages\/(azure|google))\b/;
const onlyEsm = /^cli\b/;
const isEsm = (module) => inBothFormats.test(module) || onlyEsm.test(module);

/** Bundles compiled modules into `dist/cjs` and `dist/esm`. An entry is the name of a module, without an extension. */
export async function bundlePackage(folder, entries) {
  const root = path.resolve(folder).replaceAll('\\', '/');
  const values = new Map();
  await bundle(root, entries, '.js', values);
  const described = entries.filter((name) => !onlyEsm.test(name));
  await bundle(root, described, '.d.ts', values);
}

/** Makes the files with one extension. `values` keeps what the JavaScript of an entry exports, for its declarations. */
async function bundle(root, entries, extension, values) {
  const isCode = extension === '.js';
  const generate = async (names, format, plugins = []) => {
    const input = Object.fromEntries(names.map((name) => [name, path.join(root, name + extension)]));
    const chunks = await chunksOf(input, extension, format, [...plugins, ...(isCode ? [] : [dts()])]);
    for (const { isEntry, name, exports } of isCode ? chunks : []) if (isEntry) values.set(name, exports);
    return chunks.filter(({ name }) => !name.startsWith(twin('')));
  };
  const once = entries.filter((name) => !isEsm(name));
  const both = entries.filter((name) => inBothFormats.test(name));
  // With a twin that exports the same, an entry only has names, and its code is in `shared`: Node searches a file of CommonJS
  // that ESM imports for the names of its exports, which takes longer than to load it. The twin is not written.
  const apart = isCode ? [...once, ...both] : both;
  for (const name of apart) write(path.join(root, twin(name) + extension), `export * from '${root}/${name}.js';\n`);

  const esm = await generate([...entries.filter(isEsm), ...both.map(twin)], 'es', [leaveCommonJs(root)]);
  const doors = esm.flatMap((chunk) => needsOf(root, chunk, once));
  for (const [door, text] of doors) write(path.join(root, door + extension), text);
  const names = [...once, ...both, ...apart.map(twin), ...doors.map(([door]) => door)];
  const cjs = await generate(names, isCode ? 'cjs' : 'es');

  const finished = ({ isEntry, name, code }) => (isCode || !isEntry ? code : markTypes(code, values.get(name) ?? []));
  for (const chunk of cjs) write(`dist/cjs/${chunk.fileName}`, finished(chunk));
  for (const chunk of esm) {
    const { fileName } = chunk;
    const file = (_, module) => fromEsm(fileName, once.includes(module) ? module : doorOf(fileName));
    write(`dist/esm/${fileName}`, finished(chunk).replace(/commonjs:([\w/-]+)/g, file));
  }
  for (const name of once) {
    const what = isCode ? `{ ${values.get(name).join(', ')} }` : '*';
    write(`dist/esm/${name}${extension}`, `export ${what} from '${fromEsm(name, name)}';\n`);
  }
}

const twin = (name) => `twin/${name}`;

async function chunksOf(input, extension, format, plugins) {
  const external = (id) => !id.startsWith('.') && !path.isAbsolute(id);
  const build = await rollup({ input, plugins, external, onwarn: refuse });
  const { output } = await build.generate({
    format,
    entryFileNames: `[name]${extension}`,
    chunkFileNames: ({ name }) => `shared/${name.replace(/\.d$/, '')}${extension}`,
    // As TypeScript does it: the default export of a package in CommonJS is what it exports.
    interop: 'auto',
    esModule: true,
    exports: 'named',
    // `import()` of packages as `require`: Jest and bundlers know no other in CommonJS.
    dynamicImportInCjs: false,
    minifyInternalExports: false,
    hoistTransitiveImports: false,
  });
  return output;
}

function refuse({ code, message }) {
  // In the helpers of TypeScript for decorators.
  if (code !== 'THIS_IS_UNDEFINED') throw new Error(message);
}

/** Leaves imports of modules that are only CommonJS as they are, as `commonjs:` and the name of the module. */
function leaveCommonJs(root) {
  return {
    name: 'leave-commonjs',
    resolveId(specifier, importer) {
      if (!importer || !specifier.startsWith('.')) return null;
      const file = path.resolve(path.dirname(importer), specifier.replace(/\.js$/, ''));
      const module = path.relative(root, file).replaceAll('\\', '/');
      return isEsm(module) ? null : { id: `commonjs:${module}`, external: true };
    },
  };
}

/** The file of CommonJS that exports what a file of ESM takes from there. */
const doorOf = (file) => `inner/${file.replace(/(\.d)?\.[jt]s$/, '')}`;

/** The door of a file of ESM, for what it needs from modules that are no entries; none if it needs nothing. */
function needsOf(root, { fileName, importedBindings }, once) {
  const lines = Object.entries(importedBindings).flatMap(([id, names]) => {
    const [, module] = /^commonjs:(.+)/.exec(id) ?? [];
    return !module || once.includes(module) ? [] : `export { ${names.join(', ')} } from '${root}/${module}.js';\n`;
  });
  return lines.length === 0 ? [] : [[doorOf(fileName), lines.join('')]];
}

const fromEsm = (file, module) => path.posix.relative(path.posix.dirname(`esm/${file}`), `cjs/${module}.js`);

/** Marks the exports of an entry that are only types, such as classes that only the library creates. */
function markTypes(code, values) {
  return code.replace(/^(export \{ )(.+)( \}.*;)$/gm, (_, start, list, end) => {
    const marked = list.split(', ').map((name) => (values.includes(name.split(' ').at(-1)) ? name : `type ${name}`));
    return start + marked.join(', ') + end;
  });
}

function write(file, text) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
