// Prints the museum of accidents, which is made of the tables in `test/museum/accidents`; with `--write` into docs/museum.md.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

const folder = 'test/museum/accidents';

/** Tables have no imports but types, so that no loader is needed. */
async function load(file) {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(readFileSync(`${folder}/${file}`, 'utf8'), { compilerOptions });
  const [kind] = Object.values(await import(`data:text/javascript,${encodeURIComponent(outputText)}`));
  return { ...kind, test: `test/museum/${file.replace('.ts', '.test.ts')}` };
}

function section([name, { title, project, year, link, story, here }], test) {
  const source = `[${project}${year ? `, ${year}` : ''}](${link})`;
  return `### ${title}\n\n${source}. ${story}\n\n*Here:* ${here} (\`${name}\` in \`${test}\`)\n`;
}

const kinds = await Promise.all(readdirSync(folder).sort().map(load));
const all = kinds.flatMap(({ accidents }) => Object.values(accidents));
const open = all.filter((accident) => accident.open).length;
const page = `# A museum of accidents

${all.length} public failures of projects that keep or serve files. Each is replayed by a test, with a real database, a real folder and a
real server, which proves that it does not happen here. What happens here too is marked as open (${open} of ${all.length}).

\`npm run museum -- --write\` makes this page from \`${folder}\`. The stories are told in our own words; the linked
threads have the details. Most of these projects have mended the failure since.

${kinds
  .map(({ heading, accidents, test }) =>
    [`## ${heading}\n`, ...Object.entries(accidents).map((entry) => section(entry, test))].join('\n'),
  )
  .join('\n')}`;

if (process.argv.includes('--write')) writeFileSync('docs/museum.md', page);
else console.log(page.trimEnd());
