import { Document } from '../support/mikro-entities.js';
import { mikroFixture, refused } from '../support/mikro-fixture.js';
import { major } from '../support/mikro-orm.js';

describe(`an upsert of MikroORM ${major}, which commits at once,`, () => {
  it('is refused before the row when its file was swept, and else keeps it', async () => {
    const t = await mikroFixture('sqlite');
    const swept = await t.stage('swept');
    await t.files.discard(swept);
    await t.files.sweep();
    await refused('staged_expired', t.em.upsert(Document, { id: 1, title: 'a', file: swept } as never));
    expect(await t.em.count(Document)).toBe(0);
    await t.em.upsert(Document, { id: 1, title: 'a', file: await t.stage('kept') } as never);
    expect(await (await t.em.findOneOrFail(Document, { id: 1 })).file?.text()).toBe('kept');
    await t.close();
  });
});
