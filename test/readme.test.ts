import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/**
 * Every TypeScript block of the documentation is type-checked against the sources: the README, docs/, and the examples
 * in doc comments. What a block of the pages needs and does not show is in an HTML comment before it, which readers do
 * not see: `<!-- ts` on a line of its own, declarations, `-->`.
 */
interface Block {
  readonly name: string;
  /** What a reader sees. */
  readonly shown: string;
  readonly code: string;
}

function fences(text: string, name: string): Block[] {
  const block = /(?:^<!-- ts\n([\s\S]*?)^-->\n+)?^```ts\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(block)].map(([, hidden = '', shown = ''], index) => ({
    name: `${name}-${index + 1}`,
    shown,
    code: hidden + shown,
  }));
}

function files(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));
}

const readme = readFileSync('README.md', 'utf8');
const blocks = [
  ...fences(readme, 'README'),
  ...files('docs', '.md').flatMap((file) => fences(readFileSync(file, 'utf8'), file)),
  ...files('src', '.ts').flatMap((file) => fences(readFileSync(file, 'utf8').replace(/^ +\* ?/gm, ''), file)),
];

describe('the documentation', () => {
  it('has examples in the README and in the doc comments', () => {
    expect(blocks.filter(({ name }) => name.startsWith('README')).length).toBeGreaterThanOrEqual(7);
    expect(blocks.filter(({ name }) => name.startsWith('src')).length).toBeGreaterThanOrEqual(10);
  });

  it('compiles, block by block', () => {
    const { config } = ts.readConfigFile('tsconfig.json', (file) => ts.sys.readFile(file)) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, process.cwd());
    const sources = new Map(
      blocks.map(({ name, code }) => [
        path.resolve('test', `block-${name.replace(/\W+/g, '-')}.ts`),
        `${code}\nexport {};\n`,
      ]),
    );
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists, readFile } = host;
    host.fileExists = (file) => sources.has(path.resolve(file)) || fileExists(file);
    host.readFile = (file) => sources.get(path.resolve(file)) ?? readFile(file);
    host.getSourceFile = (file, language, ...rest) => {
      const code = sources.get(path.resolve(file));
      return code === undefined
        ? getSourceFile(file, language, ...rest)
        : ts.createSourceFile(file, code, language, true);
    };
    const program = ts.createProgram([...sources.keys()], { ...options, noUnusedLocals: false }, host);
    const faults = ts.getPreEmitDiagnostics(program).map((fault) => {
      const place = fault.file ? path.basename(fault.file.fileName) : '';
      const line = fault.file ? fault.file.getLineAndCharacterOfPosition(fault.start ?? 0).line + 1 : 0;
      return `${place}:${line} ${ts.flattenDiagnosticMessageText(fault.messageText, ' ')}`;
    });
    expect(faults).toEqual([]);
  });

  it('shows the quick start as it is run', () => {
    expect(fences(readme, 'README')[0]?.shown).toBe(readFileSync('entities-example/quick-start.ts', 'utf8'));
  });

  it('names only tests that exist', () => {
    const titles = files('test', '.ts')
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    const named = [...readme.matchAll(/\| \*([^*|]+)\* \|/g)].map(([, title = '']) => title);
    expect(named.length).toBeGreaterThanOrEqual(8);
    expect(named.filter((title) => !titles.includes(title))).toEqual([]);
  });

  it('shows the first program within 25 lines', () => {
    expect(readme.split('\n').findIndex((line) => line.startsWith('```'))).toBeLessThan(25);
  });

  it('links only to pages that exist', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target = '']) => target);
    expect(targets.length).toBeGreaterThan(5);
    expect(targets.filter((target) => !existsSync(target))).toEqual([]);
  });
});
