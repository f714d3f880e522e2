import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MoveReport, StoredFile } from 'filefield';
import { isFenceKey } from '../../src/file/key.js';
import { compile, type Compiled } from '../support/compiled.js';
import { onDatabases, type DatabaseName } from '../support/databases.js';
import { s3Client, TestBucket } from '../support/s3-bucket.js';
import { haveS3, s3 } from '../support/signing-storage.js';
import { openSite, storedKeys, type Site } from './matrix.js';
import type { Place, StoragePlace } from './process/application.js';

/** The size of the test: more by hand, as `MOVE_FILES=10000 MOVE_KILLS=20`. */
const count = Number(process.env.MOVE_FILES ?? 150);
const kills = Number(process.env.MOVE_KILLS ?? 4);
const writers = 4;

/** What may happen where several writers take the same rows. */
const expected = /Deadlock|deadlock|could not find any entity|changed since last|duplicate/i;

const textOf = (slug: string, turn: number) => `${slug} ${turn} `.repeat(50);

async function startMove(script: string, place: Place, until: Promise<unknown> | undefined) {
  const child = spawn(process.execPath, ['--no-warnings', script], {
    env: { ...process.env, PLACE: JSON.stringify(place) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let begun!: () => void;
  const first = new Promise<void>((resolve) => (begun = resolve));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
    begun();
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  if (until) {
    await Promise.race([first, ended]);
    await until;
    child.kill('SIGKILL');
  }
  const signal = await ended;
  return {
    signal,
    report: output === '' ? undefined : (JSON.parse(output) as MoveReport),
    errors: errors.replaceAll('.', ''),
  };
}

/** Rows that writers replace, delete and insert while their files are moved, and readers that read them. */
class Traffic {
  readonly #texts = new Map<string, string>();
  readonly errors: unknown[] = [];
  #running = true;
  reads = 0;
  writes = 0;

  constructor(private readonly site: Site) {}

  async fill(): Promise<void> {
    for (let index = 0; index < count; index += 1) await this.#write(`row-${index}`, 0);
  }

  async run(): Promise<void> {
    const all = Array.from({ length: writers }, (_, index) => this.#writer(index));
    await Promise.all([...all, this.#reader()]);
  }

  stop(): void {
    this.#running = false;
  }

  async expectAll(): Promise<StoredFile[]> {
    const rows = await this.site.app.rows();
    expect([...rows.keys()].sort()).toEqual([...this.#texts.keys()].sort());
    const waiting = rows.entries();
    const check = async () => {
      for (const [slug, file] of waiting) expect(await file!.text()).toBe(this.#texts.get(slug));
    };
    await Promise.all(Array.from({ length: 16 }, check));
    return [...rows.values()].map((file) => file!);
  }

  async #write(slug: string, turn: number): Promise<void> {
    const { app } = this.site;
    const text = textOf(slug, turn);
    const file = await app.stage(text);
    await (this.#texts.has(slug) ? app.replace(slug, file) : app.insert(slug, file));
    this.#texts.set(slug, text);
  }

  /** Each writer has rows of its own, so that it knows what they hold. */
  async #writer(number: number): Promise<void> {
    for (let turn = 1; this.#running; turn += 1) {
      const slug = `row-${writers * Math.floor((Math.random() * count) / writers) + number}`;
      try {
        if (Math.random() < 0.2 && this.#texts.has(slug)) {
          await this.site.app.remove(slug);
          this.#texts.delete(slug);
        } else await this.#write(slug, turn);
        this.writes += 1;
      } catch (error) {
        if (!expected.test(String(error))) this.errors.push(error);
      }
      await delay(Math.random() * 10);
    }
  }

  async #reader(): Promise<void> {
    while (this.#running) {
      for (const file of [...(await this.site.app.rows()).values()].slice(0, 20)) {
        try {
          const bytes = await file!.bytes();
          if (createHash('sha256').update(bytes).digest('hex') !== file!.sha256) throw new Error('other bytes');
          this.reads += 1;
        } catch (error) {
          this.errors.push(error);
        }
      }
      await delay(20);
    }
  }
}

function moveClaims(orm: Place['orm'], database: DatabaseName, archive: () => Promise<StoragePlace>): void {
  let compiled: Compiled;
  let site: Site;
  beforeAll(async () => {
    compiled = compile('test/crash/process');
    site = await openSite(orm, database, { lease: 3_000, grace: 3_000, archive: await archive() });
  });
  afterAll(async () => {
    const { archive: place } = site.place;
    await site.close();
    compiled.remove();
    if (place && 'root' in place) await rm(path.dirname(place.root), { recursive: true });
  });

  it(
    'loses nothing when the process is killed again and again, while rows are written and read',
    async () => {
      const { app, place } = site;
      const script = compiled.script('test/crash/process/mover.ts');
      const traffic = new Traffic(site);
      await traffic.fill();
      // Two processes cannot write to SQLite at the same time.
      const running = database === 'sqlite' ? undefined : traffic.run();
      const faults: string[] = [];
      try {
        for (let index = 0; index < kills; index += 1) {
          faults.push((await startMove(script, place, delay(Math.random() * 150))).errors);
        }
      } finally {
        traffic.stop();
        await running;
      }
      expect(faults.join('')).toBe('');
      expect(traffic.errors).toEqual([]);
      if (running) expect(Math.min(traffic.reads, traffic.writes)).toBeGreaterThan(20);
      const { report, errors } = await startMove(script, place, undefined);
      expect({ errors, report }).toMatchObject({
        errors: '',
        report: { changed: 0, missing: [], damaged: [], foreign: 0 },
      });
      expect(await app.files.move({ from: 'documents', to: 'archive' })).toMatchObject({ moved: 0, missing: [] });
      const files = await traffic.expectAll();
      expect(new Set(files.map((file) => file.toDescriptor().storage))).toEqual(new Set(['archive']));
      await delay(place.lease + 100);
      await app.files.reconcile({ repair: true });
      await delay(place.grace + 100);
      for (let round = 0; round < 3; round += 1) await app.files.sweep();
      expect(await storedKeys(place)).toEqual([]);
      const keys: string[] = [];
      for await (const { key } of app.files.storages.resolve('archive').list!()) if (!isFenceKey(key)) keys.push(key);
      expect(keys).toEqual(files.map((file) => file.toDescriptor().key).sort());
      await traffic.expectAll();
    },
    300_000 + count * 100,
  );
}

await onDatabases(['sqlite', 'postgres', 'mariadb'], 'a move to another folder on %s', (database) => {
  const archive = async () => ({
    root: path.join(await mkdtemp(path.join(tmpdir(), 'filefield-archive-')), 'objects'),
  });
  describe('with TypeORM', () => moveClaims('typeorm', database, archive));
  // The transactions of MikroORM are of another kind, and alike on all databases.
  if (database === 'postgres') describe('with MikroORM', () => moveClaims('mikro-orm', database, archive));
});

((await haveS3()) ? describe : describe.skip)('a move to a bucket', () => {
  const bucket = new TestBucket(s3Client().client);
  beforeAll(() => bucket.create());
  afterAll(() => bucket.remove());
  moveClaims('typeorm', 'postgres', async () => ({ ...s3, bucket: bucket.name }));
});
