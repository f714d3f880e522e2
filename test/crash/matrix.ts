import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectNoOrphans } from 'filefield/testing';
import { isFenceKey } from '../../src/file/key.js';
import { compile, type Compiled } from '../support/compiled.js';
import { createDatabase, type DatabaseName } from '../support/databases.js';
import { storageAt, type Application, type OpenOptions, type Place } from './process/application.js';
import type { TypeormApplication } from './process/typeorm.js';
import type { Moment, Scenario } from './process/victim.js';

/** An application in this process, and processes with the same application that are killed. */
export interface Site<App extends Application = Application> {
  readonly app: App;
  readonly place: Place;
  /** Runs the scenario in another process and expects that SIGKILL ends it. */
  kill(scenario: Omit<Scenario, 'place'>): Promise<void>;
  close(): Promise<void>;
}

export const lease = 150;

export type SiteOptions = Partial<Pick<Place, 'lease' | 'grace' | 'archive' | 'bucket'>> & Omit<OpenOptions, 'create'>;

export function openSite(
  orm: 'typeorm',
  database: DatabaseName,
  options?: SiteOptions,
): Promise<Site<TypeormApplication>>;
export function openSite(orm: Place['orm'], database: DatabaseName, options?: SiteOptions): Promise<Site>;
export async function openSite(orm: Place['orm'], database: DatabaseName, options: SiteOptions = {}): Promise<Site> {
  const root = await mkdtemp(path.join(tmpdir(), 'filefield-crash-'));
  const { name, drop, ...server } = await createDatabase(database, path.join(root, 'test.db'));
  const place: Place = {
    ...server,
    ...{ orm, database, name, root: path.join(root, 'objects') },
    ...{ lease: options.lease ?? lease, grace: options.grace ?? 0 },
    ...(options.archive && { archive: options.archive }),
    ...(options.bucket && { bucket: options.bucket }),
  };
  const open =
    orm === 'typeorm'
      ? (await import('./process/typeorm.js')).openTypeorm
      : (await import('./process/mikro-orm.js')).openMikroOrm;
  const app = await open(place, { ...options, create: true });
  let compiled: Compiled | undefined;
  return {
    app,
    place,
    async kill(scenario) {
      compiled ??= compile('test/crash/process');
      const result = await run(compiled.script('test/crash/process/victim.ts'), { place, ...scenario });
      expect(result).toEqual({ signal: 'SIGKILL', errors: '' });
    },
    async close() {
      compiled?.remove();
      await app.close();
      await drop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function run(script: string, scenario: Scenario): Promise<{ signal: string | null; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', script], {
      env: { ...process.env, SCENARIO: JSON.stringify(scenario) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject);
    child.once('close', (_code, signal) => resolve({ signal, errors }));
  });
}

/**
 * All files in the folder of the storage, unfinished ones too, or all objects in its bucket; not the markers of the ledger. A
 * bucket does not list the parts of an upload that was killed: its lifecycle rule deletes them.
 */
export async function storedKeys({ bucket, root }: Place): Promise<string[]> {
  if (bucket) {
    const keys: string[] = [];
    for await (const { key } of (await storageAt(bucket)).list!()) if (!isFenceKey(key)) keys.push(key);
    return keys.sort();
  }
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((key) => !isFenceKey(key))
    .sort();
}

/**
 * Waits until leases have ended, sweeps, and expects: every row has its bytes, and there are no other bytes; every ledger
 * entry belongs to a row, and the trash is empty.
 */
export async function expectConsistent({ app, place }: Pick<Site, 'app' | 'place'>): Promise<void> {
  await delay(place.lease + 20);
  await app.files.sweep();
  const keys: string[] = [];
  for (const file of (await app.rows()).values()) {
    if (!file) continue;
    const hash = createHash('sha256').update(await file.bytes());
    expect(hash.digest('hex')).toBe(file.sha256);
    keys.push(file.toDescriptor().key);
  }
  expect(await storedKeys(place)).toEqual(keys.sort());
  const ledger = await app.query('SELECT object_key AS object_key, state FROM file_ledger ORDER BY object_key');
  expect(ledger.map((row) => [row.object_key, row.state])).toEqual(keys.map((key) => [key, 'live']));
  expect(await app.query('SELECT id FROM file_trash')).toEqual([]);
  await expectNoOrphans(app.files);
}

/** Operations, the steps at which the process is killed, and whether the row is as before or as after the operation. */
export const moments: readonly (readonly [Scenario['operation'], Moment, 'before' | 'after'])[] = [
  ['insert', 'intended', 'before'],
  ['insert', 'during', 'before'],
  ['insert', 'linked', 'before'],
  ['insert', 'stored', 'before'],
  ['insert', 'bound', 'before'],
  ['insert', 'before-commit', 'before'],
  ['insert', 'after-commit', 'after'],
  ['replace', 'during', 'before'],
  ['replace', 'stored', 'before'],
  ['replace', 'bound', 'before'],
  ['replace', 'released', 'before'],
  ['replace', 'before-commit', 'before'],
  ['replace', 'after-commit', 'after'],
  ['delete', 'released', 'before'],
  ['delete', 'before-commit', 'before'],
  ['delete', 'after-commit', 'after'],
  ['sweep', 'expired', 'after'],
  ['sweep', 'trashed', 'after'],
  ['sweep', 'retired', 'after'],
  ['sweep', 'deleted', 'after'],
];
