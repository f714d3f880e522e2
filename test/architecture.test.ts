import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const src = path.resolve('src');

/**
 * Who may import whom. A module is a file or a folder of `src`; what is not listed may import nothing of ours. Keeping
 * (`fields`, `ledger`, `orm`) and serving (`response`, `views`, `delivery`, `adapters`) never meet but in `file`,
 * `stored-file` and `entity`.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  file: [],
  key: ['errors'],
  duration: ['errors'],
  signing: ['duration', 'errors'],
  storage: ['file', 'errors'],
  abortable: ['errors'],
  'disk-error': ['errors'],
  'locate-file': ['disk-error', 'file', 'errors'],
  'open-file': ['disk-error', 'file', 'errors'],
  descriptor: ['errors', 'key'],
  upload: ['file', 'errors'],
  registry: ['storage', 'errors'],
  'stored-file': ['descriptor', 'registry', 'storage', 'locate-file', 'file', 'errors'],
  entity: ['stored-file'],
  events: ['descriptor'],
  storages: ['storage', 'abortable', 'disk-error', 'open-file', 'file', 'errors'],
  sources: ['storage', 'key', 'locate-file', 'open-file', 'file', 'errors'],
  response: ['file', 'errors'],
  views: ['response', 'signing', 'sources', 'storage', 'entity', 'file', 'errors'],
  delivery: ['response', 'registry', 'storage', 'duration', 'file', 'errors'],
  proxies: ['delivery', 'errors'],
  adapters: ['response', 'signing', 'views', 'storage', 'entity', 'file', 'errors'],
  ledger: ['descriptor', 'events', 'key', 'registry', 'storage', 'errors'],
  fields: [
    'duration',
    'upload',
    'events',
    'descriptor',
    'stored-file',
    'entity',
    'registry',
    'ledger',
    'key',
    'errors',
  ],
  'orm/typeorm': ['fields', 'events', 'ledger', 'registry', 'stored-file', 'entity', 'descriptor', 'errors'],
  'orm/mikro-orm': ['fields', 'events', 'ledger', 'registry', 'stored-file', 'entity', 'descriptor', 'errors'],
  health: ['delivery', 'duration', 'errors', 'file', 'key', 'response', 'sources', 'storage', 'views'],
  testing: [
    'fields',
    'ledger',
    'events',
    'storage',
    'storages',
    'response',
    'views',
    'registry',
    'stored-file',
    'file',
    'key',
    'errors',
  ],
  cli: ['delivery', 'duration', 'errors', 'health', 'proxies', 'registry'],
  index: ['*'],
};

/** Packages that only these modules may import; all others are free of ORMs, frameworks and SDKs. */
const packages: Readonly<Record<string, readonly string[]>> = {
  typeorm: ['orm/typeorm'],
  '@mikro-orm/core': ['orm/mikro-orm'],
  express: ['adapters'],
  fastify: ['adapters'],
  koa: ['adapters'],
  commander: ['cli'],
  busboy: ['fields'],
  'file-type': ['fields'],
  'mime-types': ['fields', 'response'],
  'content-disposition': ['response'],
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
  [...code(readFileSync(file, 'utf8')).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => ({
    file: path.relative(src, file),
    from: moduleOf(file),
    specifier,
    target: specifier.startsWith('.') ? path.join(path.dirname(file), specifier).replace(/\.js$/, '.ts') : undefined,
  })),
);

describe('the architecture', () => {
  it('is read from real files', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.some(({ from, target }) => from === 'views' && target?.endsWith('response.ts'))).toBe(true);
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

  it('keeps its files small: none over 350 lines, nine in ten under 220, the median near 90', () => {
    const lines = sources(src)
      .map((file) => ({ file: path.relative(src, file), lines: readFileSync(file, 'utf8').split('\n').length }))
      .sort((a, b) => a.lines - b.lines);
    expect(lines.filter((one) => one.lines > 350)).toEqual([]);
    expect(lines[Math.floor(lines.length * 0.9)]!.lines).toBeLessThanOrEqual(220);
    expect(lines[Math.floor(lines.length / 2)]!.lines).toBeLessThanOrEqual(110);
  });
});
