import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import path from 'node:path';
import { flushFolder } from '../lib/by-hand.js';
import type { Database } from '../lib/database.js';
import { each, serveJobs } from '../lib/jobs.js';
import { Document, openTypeorm } from '../lib/typeorm-store.js';

// Local files that are taken into a storage.
const [, , root, json] = process.argv;
const storage = path.join(root!, 'storage');
const copies = path.join(root!, 'copies');
mkdirSync(copies);
const { files } = await openTypeorm(JSON.parse(json!) as Database, storage);

async function copySafely(source: string): Promise<string> {
  const target = path.join(copies, randomUUID());
  await copyFile(source, target);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(target)) hash.update(chunk as Uint8Array);
  hash.digest();
  const handle = await open(target, 'r+');
  await handle.sync();
  await handle.close();
  await flushFolder(copies);
  return target;
}

const made: string[] = [];
const clean = async () => made.splice(0).forEach((file) => rmSync(file));
const stage = (name: string) =>
  each(
    async () => {
      const file = await files.stage(Document, 'file', { path: path.join(root!, name) });
      made.push(file.localPath!);
    },
    { clean },
  );
const copy = (name: string) => each(async () => made.push(await copySafely(path.join(root!, name))), { clean });

serveJobs({
  'stage large': stage('large.bin'),
  'copy large': copy('large.bin'),
  'stage small': stage('small.bin'),
  'copy small': copy('small.bin'),
});
