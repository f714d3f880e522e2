import { mkdirSync, writeFileSync } from 'node:fs';
import { chart } from './chart.js';
import type { Report } from './report.js';
import { cellsOf, heads, notesOf } from './text.js';

/** Pictures: the beginnings of the names of their rows. */
const pictures = {
  downloads: { title: 'Downloads', rows: ['node', 'express', 'fastify', 'koa', 'hono', 'nginx', 'memory'] },
  objects: { title: 'Files of rows', rows: ['objects'] },
  uploads: { title: 'Uploads and inserts', rows: ['insert', 'receive', 'stage', 'find'] },
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
    const table = [line(heads), line(heads.map(() => '---')), ...rows.map((row) => line(cellsOf(row)))];
    return [
      `## ${title}`,
      '',
      `${rows[0]!.rounds} rounds, ${rows[0]!.date}.`,
      '',
      ...table,
      '',
      ...notesOf(rows).map((note) => `- ${note}`),
      '',
    ];
  });
  return `${introduction}\nMeasured on ${machine}.\n\n${sections.join('\n')}`;
}

const introduction = `# Speed

<!-- Written by "npm run bench -- --write". -->

\`npm run bench\` measures all of this on your machine. \`-- --quick\` takes two minutes, for short runs of the main tables, and names
choose rows by their beginnings: \`npm run bench -- express node/path\`. It needs Linux; PostgreSQL, MariaDB and nginx are used where they
are found.

- **The figure is processor time**: what all threads of the server's process ran for one request, form, row or megabyte, from
  \`/proc/PID/task/*/schedstat\`. Rates are given beside it. The machine did other work at the same time, which made all
  of it slower: compare sides with each other, not with figures from elsewhere.
- The ratio is the other side's time by ours, of two runs that follow each other: over 1, ours is cheaper. In parentheses are
  the quartiles of all rounds. Differences of less than a tenth mean nothing.
- Client and server have a core each and talk over loopback, with 32 connections that stay open. Each round runs everything in
  another random order, so that no side always goes first. Runs before the first round do not count.
- What the other side leaves out is written below each table. "Missed" means that we are not yet where we want to be.
`;
