import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AdoptReport } from 'filefield';
import { compile, type Compiled } from '../support/compiled.js';
import { onDatabases } from '../support/databases.js';
import { openSite, type Site } from './matrix.js';
import type { Place } from './process/application.js';

/** The size of the test: more by hand, as `ADOPT_FILES=10000 ADOPT_KILLS=50`. */
const count = Number(process.env.ADOPT_FILES ?? 300);
const kills = Number(process.env.ADOPT_KILLS ?? 5);

/** Kills the process a random time after its first batch; without `kill` it runs to its end. */
async function adopt(script: string, place: Place, kill: boolean) {
  const child = spawn(process.execPath, ['--no-warnings', script], {
    env: { ...process.env, PLACE: JSON.stringify(place) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (kill && errors === '') void delay(Math.random() * 40).then(() => child.kill('SIGKILL'));
    errors += text;
  });
  await ended;
  return { report: output ? (JSON.parse(output) as AdoptReport) : undefined, errors: errors.replaceAll('.', '') };
}

await onDatabases(['sqlite', 'postgres', 'mariadb'], 'an adoption on %s', (database) => {
  let compiled: Compiled;
  let site: Site;
  beforeAll(async () => {
    compiled = compile('test/crash/process');
    site = await openSite('typeorm', database, { lease: 3_000, grace: 0 });
  });
  afterAll(async () => {
    await site.close();
    compiled.remove();
  });

  it('loses nothing and does nothing twice when the process is killed again and again', async () => {
    const { app, place } = site;
    const script = compiled.script('test/crash/process/adopter.ts');
    mkdirSync(place.root, { recursive: true });
    for (let index = 0; index < count; index += 1) {
      await app.insert(`row-${index}`, null);
      writeFileSync(path.join(place.root, `row-${index}.txt`), `text ${index}`);
    }
    const faults: string[] = [];
    let done: AdoptReport | undefined;
    for (let index = 0; index < kills && !done; index += 1) {
      const { report, errors } = await adopt(script, place, true);
      faults.push(errors);
      done = report;
      const [held, live] = [
        await app.query('SELECT id FROM crash_document WHERE file IS NOT NULL'),
        await app.query('SELECT id FROM file_ledger'),
      ];
      // Without transactions a killed process may leave an entry whose row comes next.
      if (database === 'sqlite') expect(live.length).toBeGreaterThanOrEqual(held.length);
      else expect(held.length).toBe(live.length);
      expect(live.length).toBeGreaterThan(0);
    }
    const { report, errors } = await adopt(script, place, false);
    expect([...faults, errors].join('')).toBe('');
    expect(report).toMatchObject({ changed: 0, missing: [], shared: [], odd: [], failed: [] });
    const rows = await app.rows();
    expect(rows.size).toBe(count);
    for (const [slug, file] of rows) expect(await file!.text()).toBe(`text ${slug.slice(4)}`);
    // Or a file that has its row, and that no sweep will ever delete.
    const unclaimed = await app.query('SELECT id FROM file_ledger WHERE adopter IS NULL');
    if (database !== 'sqlite') expect(unclaimed).toEqual([]);
    expect(await app.files.reconcile({ repair: true })).toMatchObject({
      unreferenced: [],
      missing: [],
      unrecorded: [],
    });
    expect(await app.files.sweep()).toMatchObject({ deleted: 0, expired: 0 });
  }, 120_000);
});
