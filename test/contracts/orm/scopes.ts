import { objectView, type ObjectViewOptions } from 'filefield';
import { runView } from 'filefield/testing';
import type { DocumentRow, OrmContext } from './context.js';

type Where = ObjectViewOptions<DocumentRow, unknown>['where'];

export function scopesClaims(t: OrmContext): void {
  describe('relations and scopes of a view', () => {
    let ids: Record<string, number>;
    let round = 0;

    beforeEach(async () => {
      round += 1;
      ids = {};
      for (const [name, tenant] of [
        ['ann', 'a'],
        ['bob', 'b'],
      ] as const) {
        const row = { slug: `${name}-${round}`, title: `of ${tenant}`, owner: { name, tenant } };
        ids[name] = (await t.harness.unit().insert({ ...row, file: await t.stage(name) })).id;
      }
    });

    const view = (options: Partial<ObjectViewOptions<DocumentRow, unknown>>) =>
      objectView<DocumentRow>(t.files, t.harness.Document, { field: 'file', ...options });

    /** Whose documents can be had, by id and by slug alike. */
    const visible = async (where: Where, options: { readonly relations?: readonly ['owner'] } = {}) => {
      const seen: string[] = [];
      for (const name of ['ann', 'bob']) {
        const params = { id: String(ids[name]), slug: `${name}-${round}` };
        const byId = await runView(view({ where, ...options }), { params });
        const bySlug = await runView(view({ where, slugField: 'slug', ...options }), { params });
        expect(bySlug.status).toBe(byId.status);
        if (byId.status === 200) seen.push(name);
      }
      return seen;
    };

    it('load the relations that authorize and the other functions look at', async () => {
      const mine = view({
        relations: ['owner'],
        authorize: (_raw, { owner }) => owner?.tenant === 'a',
        fileName: (_raw, { owner }) => `${owner?.name}.txt`,
      });
      const [ann, bob] = [{ id: String(ids.ann) }, { id: String(ids.bob) }];
      const reply = await runView(mine, { params: ann });
      expect([reply.status, reply.headers['content-disposition']]).toEqual([200, 'attachment; filename=ann.txt']);
      expect((await runView(mine, { params: bob })).status).toBe(404);
      const unloaded = view({ authorize: (_raw, { owner }) => owner?.tenant === 'a' });
      expect((await runView(unloaded, { params: ann })).status).toBe(404);
    });

    it('scope rows by another column, by a column of a relation, and by both, loaded or not', async () => {
      expect(await visible(undefined)).toEqual(['ann', 'bob']);
      expect(await visible(() => ({ title: 'of a' }))).toEqual(['ann']);
      expect(await visible(() => ({ owner: { tenant: 'b' } }))).toEqual(['bob']);
      expect(await visible(async () => ({ owner: { tenant: 'b' } }), { relations: ['owner'] })).toEqual(['bob']);
      expect(await visible(() => ({ title: 'of a', owner: { tenant: 'b' } }))).toEqual([]);
    });

    it('only ever narrow: what the route asks for and a condition on the same column must both hold', async () => {
      expect(await visible(() => ({ slug: `ann-${round}`, id: ids.ann }))).toEqual(['ann']);
      expect(await visible(() => ({ slug: `ann-${round}`, id: ids.bob }))).toEqual([]);
      const among = (...slugs: string[]) => t.harness.among(slugs);
      expect(await visible(() => ({ slug: among(`ann-${round}`, 'else') }))).toEqual(['ann']);
      expect(await visible(() => ({ slug: among('else'), owner: { tenant: among('a', 'b') } }))).toEqual([]);
    });

    it('look for what is null by the word of the ORM for it', async () => {
      const covered = view({ where: () => ({ cover: t.harness.none() }) });
      const params = { id: String(ids.ann) };
      expect((await runView(covered, { params })).status).toBe(200);
      const row = { slug: `covered-${round}`, file: await t.stage('x'), cover: await t.stageCover('y') };
      const { id } = await t.harness.unit().insert(row);
      expect((await runView(covered, { params: { id: String(id) } })).status).toBe(404);
    });

    it('match nothing where a condition has no value, which an ORM might take for none', async () => {
      const nothing: Where[] = [
        () => null,
        () => ({ title: undefined }),
        () => ({ title: null }),
        () => ({ owner: undefined }),
        () => ({ owner: { tenant: undefined } }),
        () => ({ owner: { name: 'ann', tenant: null } }),
        () => ({ id: undefined }),
        () => ({ slug: null }),
      ];
      for (const where of nothing) expect(await visible(where)).toEqual([]);
    });

    it('refuse to look one column up twice', () => {
      expect(() => view({ slugField: 'id', idParam: 'other' })).toThrow('not the primary key');
    });
  });
}
