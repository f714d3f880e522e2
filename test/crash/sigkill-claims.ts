import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseName } from '../support/databases.js';
import { expectHealed, lease, moments, openStage, type Stage } from './matrix.js';
import { longText, type Place } from './process/application.js';
import type { Moment } from './process/victim.js';

/** At whatever moment a process dies: the row is the old one or the new one, with its bytes, and nothing else is left. */
export function sigkillClaims(orm: Place['orm'], database: DatabaseName, only?: readonly Moment[]): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage(orm, database);
  });
  afterAll(() => stage?.close());

  const cases = moments.filter(([, at]) => !only || only.includes(at));
  it.each(cases)('%s: %s leaves the row as it was %s, and nothing else', async (operation, at, outcome) => {
    const { app } = stage;
    const slug = `${operation}-${at}`;
    if (operation !== 'insert') await app.insert(slug, await app.stage(longText('old')));
    if (operation === 'sweep') {
      await app.replace(slug, await app.stage(longText('new')));
      await app.stage(longText('forgotten'));
      await delay(lease + 20);
    }
    await stage.kill({ operation, at, slug, word: 'new' });
    await expectHealed(stage);
    const row = (await app.rows()).get(slug);
    const before = operation === 'insert' ? undefined : longText('old');
    const after = operation === 'delete' ? undefined : longText('new');
    expect(await row?.text()).toBe(outcome === 'before' ? before : after);
  });
}
