import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeSafely } from '../lib/by-hand.js';
import type { Database } from '../lib/database.js';
import { each, serveJobs } from '../lib/jobs.js';
import { ByHand, Document, openTypeorm, Protected } from '../lib/typeorm-store.js';

// Inserts of a row with a file.
const [, , root, json] = process.argv;
const { files, save } = await openTypeorm(JSON.parse(json!) as Database, path.join(root!, 'storage'));
const content = randomBytes(4096);
const sha256 = createHash('sha256').update(content).digest('hex');
const folder = path.join(root!, 'by-hand');
mkdirSync(folder);

async function insert(entity: typeof Document | typeof Protected): Promise<void> {
  const file = await files.stage(entity, 'file', content, { name: 'a.bin' });
  await save(entity, { slug: randomUUID(), file });
}

serveJobs({
  ledger: each(() => insert(Document)),
  protected: each(() => insert(Protected)),
  safe: each(async () => save(ByHand, { slug: randomUUID(), ...(await writeSafely(folder, [content])) })),
  naive: each(async () => {
    const file = path.join(folder, randomUUID());
    await writeFile(file, content);
    await save(ByHand, { slug: randomUUID(), path: file, sha256, size: content.byteLength });
  }),
});
