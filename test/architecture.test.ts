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
  signing: ['options', 'errors'],
  file: ['options', 'errors'],
  events: ['file'],
  http: ['file', 'errors'],
  storages: ['file', 'options', 'errors'],
  sources: ['file', 'http', 'options', 'errors'],
  response: ['file', 'http', 'errors'],
  views: ['file', 'http', 'sources', 'response', 'signing', 'options', 'errors'],
  fronts: ['file', 'http', 'response', 'options', 'errors'],
  send: ['file', 'http', 'response', 'options', 'errors'],
  adapters: ['file', 'response', 'views', 'send', 'signing', 'options', 'errors'],
  ledger: ['file', 'events', 'options', 'errors'],
  fields: ['file', 'events', 'ledger', 'options', 'errors'],
  'orm/typeorm': ['file', 'events', 'ledger', 'fields', 'options', 'errors'],
  'orm/mikro-orm': ['file', 'events', 'ledger', 'fields', 'options', 'errors'],
  health: ['file', 'sources', 'response', 'views', 'fronts', 'send', 'options', 'errors', 'http'],
  testing: ['file', 'events', 'storages', 'ledger', 'fields', 'response', 'views', 'send', 'options', 'errors'],
  cli: ['file', 'fronts', 'health', 'options', 'errors'],
  index: ['*'],
};

/** Packages that only these modules may import; all others are free of ORMs, frameworks and SDKs. */
const packages: Readonly<Record<string, readonly string[]>> = {
  typeorm: ['orm/typeorm'],
  '@mikro-orm/core': ['orm/mikro-orm'],
  express: ['adapters'],
  fastify: ['adapters'],
  koa: ['adapters'],
  busboy: ['fields'],
  'file-type': ['fields'],
  'mime-types': ['fields', 'http'],
  'content-disposition': ['http'],
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

  it('keeps its files small: none over 350 lines, nine in ten under 220, the median near 90', () => {
    const lines = sources(src)
      .map((file) => ({ file: path.relative(src, file), lines: readFileSync(file, 'utf8').split('\n').length }))
      .sort((a, b) => a.lines - b.lines);
    expect(lines.filter((one) => one.lines > 350)).toEqual([]);
    expect(lines[Math.floor(lines.length * 0.9)]!.lines).toBeLessThanOrEqual(220);
    expect(lines[Math.floor(lines.length / 2)]!.lines).toBeLessThanOrEqual(110);
  });
});
