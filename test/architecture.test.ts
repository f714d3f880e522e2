import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const src = path.resolve('src');

/**
 * Who may import whom. A module is a file or a folder of `src` (of `src/orm` too); what is not listed may import nothing
 * of ours. The keeping half (`ledger`, `fields`, `orm`) and the serving half (`response`, `views`, `fronts`, `send`,
 * `adapters`) never import each other; both know what is in `file`.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  options: ['errors'],
  keys: ['options', 'errors'],
  signing: ['keys', 'options', 'errors'],
  file: ['options', 'errors'],
  events: ['file'],
  http: ['file', 'errors'],
  storages: ['file', 'ledger', 'options', 'errors'],
  sources: ['file', 'http', 'options', 'errors'],
  response: ['file', 'http', 'errors'],
  views: ['file', 'http', 'sources', 'response', 'signing', 'options', 'errors'],
  fronts: ['file', 'http', 'response', 'options', 'errors'],
  send: ['file', 'http', 'response', 'options', 'errors'],
  adapters: ['file', 'response', 'views', 'send', 'signing', 'options', 'errors'],
  ledger: ['file', 'events', 'options', 'errors'],
  fields: ['file', 'http', 'events', 'ledger', 'keys', 'options', 'errors'],
  'orm/typeorm': ['file', 'events', 'storages', 'ledger', 'fields', 'options', 'errors'],
  'orm/mikro-orm': ['file', 'events', 'storages', 'ledger', 'fields', 'options', 'errors'],
  health: ['file', 'fields', 'sources', 'response', 'views', 'fronts', 'send', 'options', 'errors', 'http'],
  testing: [
    'file',
    'events',
    'storages',
    'ledger',
    'fields',
    'response',
    'views',
    'fronts',
    'send',
    'options',
    'errors',
  ],
  // The modules of the ORMs by dynamic imports only: an application has one of them.
  nest: [
    'file',
    'http',
    'fields',
    'response',
    'views',
    'send',
    'adapters',
    'health',
    'orm/typeorm',
    'orm/mikro-orm',
    'options',
    'errors',
  ],
  cli: ['file', 'fields', 'ledger', 'fronts', 'health', 'options', 'errors'],
  index: ['*'],
};

/** Packages that only these modules may import; all others are free of ORMs, frameworks and SDKs. */
const packages: Readonly<Record<string, readonly string[]>> = {
  typeorm: ['orm/typeorm', 'nest'],
  '@mikro-orm/core': ['orm/mikro-orm', 'nest'],
  '@nestjs/common': ['nest'],
  '@nestjs/core': ['nest'],
  rxjs: ['nest'],
  'class-validator': ['nest'],
  'class-transformer': ['nest'],
  express: ['adapters', 'nest'],
  fastify: ['adapters', 'nest'],
  koa: ['adapters'],
  busboy: ['fields'],
  'file-type': ['fields'],
  'mime-types': ['fields', 'http'],
  'content-disposition': ['http'],
  '@aws-sdk/client-s3': ['storages'],
  '@aws-sdk/s3-request-presigner': ['storages'],
  '@azure/storage-blob': ['storages'],
  '@google-cloud/storage': ['storages'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly specifier: string;
  /** Path within src without ending; undefined for a package. */
  readonly target: string | undefined;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    return entry.isDirectory() ? sources(full) : entry.name.endsWith('.ts') ? [full] : [];
  });
}

function moduleOf(file: string): string {
  const parts = path.relative(src, file).replace(/\.ts$/, '').split(path.sep);
  return parts[0] === 'orm' ? parts.slice(0, 2).join('/') : parts[0]!;
}

const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

const imports: readonly Import[] = sources(src).flatMap((file) =>
  [...code(readFileSync(file, 'utf8')).matchAll(/(?<!['\w.])(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, specifier = '']) => ({
      file: path.relative(src, file),
      from: moduleOf(file),
      specifier,
      target: specifier.startsWith('.') ? path.join(path.dirname(file), specifier).replace(/\.js$/, '.ts') : undefined,
    }),
  ),
);

describe('the architecture', () => {
  it('is read from real files', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.some(({ from, target }) => from === 'views' && target?.endsWith('download.ts'))).toBe(true);
  });

  it('has no import that the table does not allow', () => {
    const wrong = imports.filter(({ from, target }) => {
      if (!target || moduleOf(target) === from) return false;
      const allowed = mayImport[from] ?? [];
      return !allowed.includes('*') && !allowed.includes(moduleOf(target));
    });
    expect(wrong.map(({ file, specifier }) => `${file} → ${specifier}`)).toEqual([]);
  });

  it('knows every module', () => {
    const modules = new Set(sources(src).map(moduleOf));
    expect([...modules].filter((name) => !(name in mayImport))).toEqual([]);
  });

  it('imports packages only where they belong', () => {
    const wrong = imports.filter(({ from, specifier, target }) => {
      if (target || specifier.startsWith('node:')) return false;
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!;
      return !packages[name]?.includes(from);
    });
    expect(wrong.map(({ file, specifier }) => `${file} → ${specifier}`)).toEqual([]);
  });

  it('has no cycle, type imports included', () => {
    const graph = new Map<string, string[]>();
    for (const file of sources(src)) graph.set(file, []);
    for (const { file, target } of imports) if (target) graph.get(path.join(src, file))!.push(target);
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file))
        cycles.push([...trail.slice(trail.indexOf(file)), file].map((name) => path.relative(src, name)).join(' → '));
      else if (!done.has(file)) {
        for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
        done.add(file);
      }
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('keeps every file under 350 lines, nine in ten under 220, and the median between 60 and 120', () => {
    const lines = sizes();
    const at = (part: number) => lines[Math.floor(lines.length * part)]!.lines;
    expect(lines.filter((one) => one.lines > 350)).toEqual([]);
    expect({ median: at(0.5), ninth: at(0.9) }).toEqual({ median: between(60, 120), ninth: between(120, 220) });
  });

  it('has no file under 15 lines, except indexes', () => {
    expect(sizes().filter(({ file, lines }) => lines < 15 && path.basename(file) !== 'index.ts')).toEqual([]);
  });

  it('uses one file name for one idea', () => {
    const folders = new Map<string, Set<string>>();
    for (const file of sources(src).map((full) => path.relative(src, full))) {
      const ideas = folders.get(path.basename(file)) ?? new Set();
      folders.set(path.basename(file), ideas.add(path.dirname(file)));
    }
    const twice = [...folders].filter(([name, where]) => where.size > 1 && !sharedNames.has(name));
    expect(twice.map(([name, where]) => `${name}: ${[...where].join(', ')}`)).toEqual([]);
  });
});

/** Names that members of a set share: each ORM has entities, each front a configuration. */
const sharedNames = new Set([
  'index.ts',
  'attach-files.ts',
  'database.ts',
  'database-storage.ts',
  'entities.ts',
  'file-field.ts',
  'internals.ts',
  'migrations.ts',
  'protect-files.ts',
  'with-files.ts',
  'subscriber.ts',
  'configuration.ts',
  'delivery.ts',
]);

/** Files of src with their numbers of lines, the shortest first. */
function sizes(): { readonly file: string; readonly lines: number }[] {
  return sources(src)
    .map((file) => ({ file: path.relative(src, file), lines: readFileSync(file, 'utf8').trimEnd().split('\n').length }))
    .sort((a, b) => a.lines - b.lines);
}

function between(least: number, most: number): number {
  return {
    asymmetricMatch: (value: number) => value >= least && value <= most,
    toString: () => `a number between ${least} and ${most}`,
  } as unknown as number;
}
