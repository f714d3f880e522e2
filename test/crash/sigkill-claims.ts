import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseName } from '../support/databases.js';
import { expectConsistent, lease, moments, openSite, type Site, type SiteOptions } from './matrix.js';
import { longText, type Place } from './process/application.js';
import type { Moment } from './process/victim.js';

/** At each step at which a process is killed: the row is as before or as after, with its bytes, and no other bytes are left. */
export function sigkillClaims(
  orm: Place['orm'],
  database: DatabaseName,
  only?: readonly Moment[],
  options?: SiteOptions,
): void {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(orm, database, options);
  });
  afterAll(() => site?.close());

  const cases = moments.filter(([, at]) => !only || only.includes(at));
  it.each(cases)(
    'in %s at "%s" leaves the row as it was %s the operation, and no other bytes',
    async (operation, at, outcome) => {
      const { app } = site;
      const slug = `${operation}-${at}`;
      if (operation !== 'insert') await app.insert(slug, await app.stage(longText('old')));
      if (operation === 'sweep') {
        await app.replace(slug, await app.stage(longText('new')));
        await app.stage(longText('forgotten'));
        await delay(lease + 20);
      }
      await site.kill({ operation, at, slug, word: 'new' });
      await expectConsistent(site);
      const row = (await app.rows()).get(slug);
      const before = operation === 'insert' ? undefined : longText('old');
      const after = operation === 'delete' ? undefined : longText('new');
      expect(await row?.text()).toBe(outcome === 'before' ? before : after);
    },
  );
}
