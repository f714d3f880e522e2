import { Document } from '../support/mikro-entities.js';
import { mikroFixture, expectRejection } from '../support/mikro-fixture.js';
import { major } from '../support/mikro-orm.js';

describe(`an upsert of MikroORM ${major} outside a transaction`, () => {
  it('writes no row when its file was swept, and otherwise keeps the file', async () => {
    const t = await mikroFixture('sqlite');
    const swept = await t.stage('swept');
    await t.files.discard(swept);
    await t.files.sweep();
    await expectRejection('staged_expired', t.em.upsert(Document, { id: 1, title: 'a', file: swept } as never));
    expect(await t.em.count(Document)).toBe(0);
    await t.em.upsert(Document, { id: 1, title: 'a', file: await t.stage('kept') } as never);
    expect(await (await t.em.findOneOrFail(Document, { id: 1 })).file?.text()).toBe('kept');
    await t.close();
  });
});
