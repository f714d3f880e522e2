import type { StoredFile } from 'filefield';
import { bulkClaims, type Ways } from '../contracts/orm/bulk.js';
import { deleteManyClaims } from '../contracts/orm/delete-many.js';
import { guardClaims } from '../contracts/orm/guard.js';
import { reachableDatabases } from '../support/databases.js';
import { Document, openMikroHarness, type MikroHarness } from '../support/mikro-harness.js';
import { major } from '../support/mikro-orm.js';

const row = (slug: string, file: StoredFile | null) => ({ slug, title: '', file, cover: null });
const builder = (t: MikroHarness) => t.em().createQueryBuilder(Document);

const ways: Ways<MikroHarness> = {
  'insert()': { does: 'insert', run: (t, slug, file) => t.em().insert(Document, row(slug, file) as never) },
  'insertMany()': {
    does: 'insert',
    run: (t, slug, file) => t.em().insertMany(Document, [row(slug, file), row(`${slug}-2`, null)] as never),
  },
  'upsert() of a new row': { does: 'insert', run: (t, slug, file) => t.em().upsert(Document, row(slug, file)) },
  'upsert() of an existing row': {
    does: 'replace',
    run: (t, slug, file) => t.em().upsert(Document, row(slug, file)),
  },
  'upsertMany() of existing and new rows': {
    does: 'replace',
    run: (t, slug, file) => t.em().upsertMany(Document, [row(`${slug}-new`, null), row(slug, file)]),
  },
  'nativeUpdate()': { does: 'replace', run: (t, slug, file) => t.em().nativeUpdate(Document, { slug }, { file }) },
  'an UPDATE of a query builder': {
    does: 'replace',
    run: (t, slug, file) =>
      builder(t)
        .update({ file } as never)
        .where({ slug })
        .execute(),
  },
  'nativeDelete()': { does: 'delete', run: (t, slug) => t.em().nativeDelete(Document, { slug }) },
  'a DELETE of a query builder': { does: 'delete', run: (t, slug) => builder(t).delete({ slug }).execute() },
  'a fork without subscribers': {
    does: 'delete',
    run: async (t, slug) => {
      const em = t.em().fork({ freshEventManager: true });
      await em.remove(await em.findOneOrFail(Document, { slug })).flush();
    },
  },
};

describe.each(await reachableDatabases())(`MikroORM ${major} on %s`, (database) => {
  bulkClaims((triggers) => openMikroHarness(database, triggers ? {} : undefined), ways);
  deleteManyClaims(() => openMikroHarness(database));
  guardClaims(() => openMikroHarness(database, {}));
});
