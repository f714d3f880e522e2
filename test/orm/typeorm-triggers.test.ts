import type { StoredFile } from 'filefield';
import { bulkClaims, type Ways } from '../contracts/orm/bulk.js';
import { deleteManyClaims } from '../contracts/orm/delete-many.js';
import { guardClaims } from '../contracts/orm/guard.js';
import { reachableDatabases } from '../support/databases.js';
import { Document, openTypeorm, type TypeormHarness } from '../support/typeorm.js';

const documents = ({ dataSource }: TypeormHarness) => dataSource.getRepository(Document);
const builder = ({ dataSource }: TypeormHarness) => dataSource.createQueryBuilder();
const withoutFile = { slug: 'neighbour', title: '' };
const row = (slug: string, file: StoredFile) => ({ slug, title: '', file: file as never });
const load = async (harness: TypeormHarness, slug: string) => (await documents(harness).findOneBy({ slug }))!;

const ways: Ways<TypeormHarness> = {
  'insert()': { does: 'insert', run: (t, slug, file) => documents(t).insert(row(slug, file)) },
  'insert() of several': {
    does: 'insert',
    run: (t, slug, file) => documents(t).insert([row(slug, file), { ...withoutFile, slug: `${slug}-2` }]),
  },
  'an INSERT of a query builder': {
    does: 'insert',
    run: (t, slug, file) => builder(t).insert().into(Document).values(row(slug, file)).execute(),
  },
  'an INSERT without listeners': {
    does: 'insert',
    run: (t, slug, file) => builder(t).insert().into(Document).values(row(slug, file)).callListeners(false).execute(),
  },
  'a save() without listeners': {
    does: 'insert',
    run: (t, slug, file) => documents(t).save(documents(t).create(row(slug, file)), { listeners: false }),
  },
  'upsert() of a new row': { does: 'insert', run: (t, slug, file) => documents(t).upsert(row(slug, file), ['slug']) },
  'upsert() of an existing row': {
    does: 'replace',
    run: async (t, slug, file) => {
      // Another row, so that the last key that the driver has seen is not this row's.
      await t.unit().insert({ slug: `${slug}-last` });
      await documents(t).upsert([row(slug, file), row(`${slug}-new`, null as never)], ['slug']);
    },
  },
  'update() by key': {
    does: 'replace',
    run: async (t, slug, file) => documents(t).update((await load(t, slug)).id, { file: file as never }),
  },
  'update() by criteria': {
    does: 'replace',
    run: (t, slug, file) => documents(t).update({ slug }, { file: file as never }),
  },
  'an UPDATE without listeners': {
    does: 'replace',
    run: (t, slug, file) =>
      builder(t)
        .update(Document)
        .set({ file: file as never })
        .where({ slug })
        .callListeners(false)
        .execute(),
  },
  'delete() by key': { does: 'delete', run: async (t, slug) => documents(t).delete((await load(t, slug)).id) },
  'delete() by criteria': { does: 'delete', run: (t, slug) => documents(t).delete({ slug }) },
  'a DELETE of a query builder': {
    does: 'delete',
    run: (t, slug) => builder(t).delete().from(Document).where({ slug }).execute(),
  },
  'a remove() without listeners': {
    does: 'delete',
    run: async (t, slug) => documents(t).remove(await load(t, slug), { listeners: false }),
  },
};

describe.each(await reachableDatabases())('TypeORM on %s', (database) => {
  bulkClaims((triggers) => openTypeorm(database, triggers ? {} : undefined), ways);
  deleteManyClaims(() => openTypeorm(database));
  guardClaims(() => openTypeorm(database, {}));
});
