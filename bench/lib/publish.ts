import { mkdirSync, writeFileSync } from 'node:fs';
import { chart } from './chart.js';
import type { Report } from './report.js';
import { cellsOf, heads, notesOf, profileTable } from './text.js';

/** Pictures: the beginnings of the names of their rows. */
const pictures = {
  downloads: { title: 'Downloads', rows: ['node', 'express', 'fastify', 'koa', 'hono', 'nginx', 'memory'] },
  objects: { title: 'Files of rows', rows: ['objects'] },
  uploads: { title: 'Uploads, inserts, queries', rows: ['insert', 'receive', 'stage', 'find'] },
};

/** Writes the pictures and the page of all figures. */
export function publish(report: Report): void {
  mkdirSync('docs/bench', { recursive: true });
  for (const [file, { title, rows }] of Object.entries(pictures)) {
    const shown = report.results.filter(({ name }) => rows.includes(name.split('/')[0]!));
    if (shown.length > 0) writeFileSync(`docs/bench/${file}.svg`, chart(title, shown));
  }
  writeFileSync('docs/speed.md', page(report));
}

function page({ machine, results }: Report): string {
  const titles = [...new Set(results.map(({ title }) => title))];
  const sections = titles.flatMap((title) => {
    const rows = results.filter((result) => result.title === title);
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
    const table = (lines: readonly (readonly string[])[]) => [
      line(lines[0]!),
      line(lines[0]!.map(() => '---')),
      ...lines.slice(1).map(line),
      '',
    ];
    const profiles = rows.map(profileTable).filter(({ length }) => length > 0);
    return [
      `## ${title}`,
      '',
      `${rows[0]!.rounds} rounds, ${rows[0]!.date}.`,
      '',
      ...table([heads, ...rows.map(cellsOf)]),
      ...notesOf(rows).map((note) => `- ${note}`),
      '',
      ...(profiles.length > 0 ? ['Where it goes:', '', ...profiles.flatMap(table)] : []),
    ];
  });
  return `${introduction}\nMeasured on ${machine}.\n\n${sections.join('\n')}\n${conclusion}`;
}

const introduction = `# Speed

<!-- Written by "npm run bench -- --write". -->

\`npm run bench\` measures all of this on your machine. \`-- --quick\` takes two minutes, for short runs of the main tables, and names
choose rows by their beginnings: \`npm run bench -- express node/path\`. With \`--profile\` each side runs once more under Node's
profiler; nginx is split by the kernel's count of its time, and the package by kinds of files. It needs Linux; PostgreSQL, MariaDB
and nginx are used where they are found.

- **The figure is processor time**: what all threads of the server's process ran for one request, form, row or megabyte, from
  \`/proc/PID/task/*/schedstat\`. Rates are given beside it. The machine did other work at the same time, which made all
  of it slower: compare sides with each other, not with figures from elsewhere.
- The ratio is the other side's time by ours, of two runs that follow each other: over 1, ours is cheaper. In parentheses are
  the quartiles of all rounds. Differences of less than a tenth mean nothing.
- Client and server have a core each and talk over loopback, with 32 connections that stay open. Each round runs everything in
  another random order, so that no side always goes first. Runs before the first round do not count.
- What the other side leaves out is written below each table. "Missed" means that we are not yet where we want to be.
`;

const conclusion = `## Where the time of missed targets goes

- **Express, and all 304s**: an Express application that sends a constant text with the same headers takes 132 µs of the 200 to
  240 of a view. Koa with a constant buffer takes 47 µs of 119. Opening and reading a file are two calls of Node's thread pool,
  25 to 50 µs each.
- **Inserts and small forms**: a file needs two statements more than a row: what will be stored, and that a row has it. Each takes
  50 to 100 µs of the ORM and the driver; 100 to 200 on SQLite, since TypeORM loads sqlite3 with \`verbose()\`. The type of the bytes,
  which the other side does not look at, takes 30 to 50 µs where no signature fits, as here. Our own JavaScript takes a tenth when
  it is repeated, and more between two waits, when it is no longer in the caches. Of a form, busboy and Node's streams take a tenth
  each. Statements that record what will be stored are shared by uploads of the same moment; to record more than that ahead of
  time would break applications that empty their tables, as tests do.
- **Large forms**: the CRC-32 of the bytes (165 µs/MB) and the count of parts (210), which the other side leaves out.
- **Files of 100 KiB**: the statement that records what will be stored, the CRC-32 and the type of the bytes.
- **Large files beside nginx**: sendfile lets the kernel move the bytes; Node has no such call. A loop of \`fs.read\` and \`write\` with
  one buffer, and nothing else, takes four fifths of what ours takes for 1 MiB, and as much for 1 GiB. How far nginx is ahead
  depends on the machine more than on anything here: on another one of this kind both ratios were 0.2.
- **Size**: JavaScript and declarations are there once, as CommonJS, which ESM uses too; \`dist/esm\` has what ESM needs of its own.
  Minified JavaScript would save 45 kB, which is not enough, and could not be read in a stack trace or a debugger.
- **Rows**: every member of a descriptor is checked when its row is loaded, which is half of the difference; the rest is the object.
`;
