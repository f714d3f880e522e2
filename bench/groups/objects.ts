import { createDatabase, databaseTitles, type Kind } from '../lib/database.js';
import type { Group, OpenGroup, Row, Settings } from '../lib/compare.js';
import { Folder } from '../lib/folder.js';
import { Program } from '../lib/program.js';
import { downloads, headersOf } from '../lib/served.js';

const note = {
  hand: 'no name in Content-Disposition, no authorisation, no policy against scripts; its tag is that of a time, not of the bytes',
  raw: 'the same headers; no authorisation, no other condition, no error that is handled',
};

/** Rows with files: found by a slug, beside a query and what sends the file. */
export const objectGroups: readonly Group[] = (['typeorm', 'mikro'] as const).flatMap((orm) =>
  (['sqlite', 'postgres'] as const).map((kind) => ({
    name: `objects/${orm}/${kind}`,
    onlyNamed: orm !== 'typeorm' || kind !== 'sqlite',
    title: `Files of rows: ${orm === 'mikro' ? 'MikroORM' : 'TypeORM'}, ${databaseTitles[kind]}`,
    open: (settings: Settings) => open(orm, kind, settings),
  })),
);

async function open(orm: string, kind: Kind, settings: Settings): Promise<OpenGroup> {
  const folder = new Folder();
  const database = await createDatabase(kind, folder.path);
  if (!database) return { rows: [], close: async () => folder[Symbol.dispose]() };
  const program = await Program.start('servers/objects', [orm, folder.path, JSON.stringify(database)]);
  const port = program.ready.port as number;
  const side = async (name: string, path: string, status?: 304) => {
    const etag = (await headersOf(port, path)).get('etag')!;
    const more = status && { status, headers: { 'If-None-Match': etag } };
    return downloads({ name, program, port, path, ...more }, settings);
  };
  const prefix = `objects/${orm}/${kind}`;
  const units = { unit: 'µs', rateUnit: 'requests' };
  const rows: Row[] = [];
  for (const [task, slug, status, target] of [
    ['1k', '1k', undefined, 1.3],
    ['304', '1k', 304, 2],
  ] as const) {
    const ours = await side('view', `/view/${slug}`, status);
    const peer = await side('findOne + sendFile', `/hand/${slug}`, status);
    rows.push({ name: `${prefix}/express/${task}`, ...units, ours, peer, target, note: note.hand });
  }
  for (const slug of ['1k', '64k']) {
    const ours = await side('view', `/node/view/${slug}`);
    const peer = await side('findOne + raw server', `/node/hand/${slug}`);
    rows.push({ name: `${prefix}/node/${slug}`, ...units, ours, peer, target: 0.85, note: note.raw });
  }
  const close = async () => {
    await program.stop();
    await database.drop();
    folder[Symbol.dispose]();
  };
  return { rows, close };
}
