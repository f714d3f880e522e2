import { objectView, type ObjectViewOptions } from 'filefield';
import { runView } from 'filefield/testing';
import type { DocumentRow, OrmContext } from './context.js';

type Where = ObjectViewOptions<DocumentRow, unknown>['where'];

export function scopesClaims(t: OrmContext): void {
  describe('objectView with relations and where', () => {
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

    /** The owners whose documents the view serves, with the same result by id and by slug. */
    const visible = async (where: Where, options: { readonly relations?: readonly ['owner'] } = {}) => {
      const served: string[] = [];
      for (const name of ['ann', 'bob']) {
        const params = { id: String(ids[name]), slug: `${name}-${round}` };
        const byId = await runView(view({ where, ...options }), { params });
        const bySlug = await runView(view({ where, slugField: 'slug', ...options }), { params });
        expect(bySlug.status).toBe(byId.status);
        if (byId.status === 200) served.push(name);
      }
      return served;
    };

    it('loads the relations that authorize and fileName read', async () => {
      const tenantView = view({
        relations: ['owner'],
        authorize: (_raw, { owner }) => owner?.tenant === 'a',
        fileName: (_raw, { owner }) => `${owner?.name}.txt`,
      });
      const [ann, bob] = [{ id: String(ids.ann) }, { id: String(ids.bob) }];
      const reply = await runView(tenantView, { params: ann });
      expect(reply.status).toBe(200);
      expect(reply.headers['content-disposition']).toBe('attachment; filename=ann.txt');
      expect((await runView(tenantView, { params: bob })).status).toBe(404);
      const unloaded = view({ authorize: (_raw, { owner }) => owner?.tenant === 'a' });
      expect((await runView(unloaded, { params: ann })).status).toBe(404);
    });

    it('filters by a column, by a column of a relation, and by both, whether the relation is loaded or not', async () => {
      expect(await visible(undefined)).toEqual(['ann', 'bob']);
      expect(await visible(() => ({ title: 'of a' }))).toEqual(['ann']);
      expect(await visible(() => ({ owner: { tenant: 'b' } }))).toEqual(['bob']);
      expect(await visible(async () => ({ owner: { tenant: 'b' } }), { relations: ['owner'] })).toEqual(['bob']);
      expect(await visible(() => ({ title: 'of a', owner: { tenant: 'b' } }))).toEqual([]);
    });

    it('requires both the value of the route and a condition on the same column', async () => {
      expect(await visible(() => ({ slug: `ann-${round}`, id: ids.ann }))).toEqual(['ann']);
      expect(await visible(() => ({ slug: `ann-${round}`, id: ids.bob }))).toEqual([]);
      const isIn = (...values: string[]) => t.harness.isIn(values);
      expect(await visible(() => ({ slug: isIn(`ann-${round}`, 'else') }))).toEqual(['ann']);
      expect(await visible(() => ({ slug: isIn('else'), owner: { tenant: isIn('a', 'b') } }))).toEqual([]);
    });

    it("finds rows whose column is null by the ORM's own operator", async () => {
      const uncovered = view({ where: () => ({ cover: t.harness.isNull() }) });
      const params = { id: String(ids.ann) };
      expect((await runView(uncovered, { params })).status).toBe(200);
      const row = { slug: `covered-${round}`, file: await t.stage('x'), cover: await t.stageCover('y') };
      const { id } = await t.harness.unit().insert(row);
      expect((await runView(uncovered, { params: { id: String(id) } })).status).toBe(404);
    });

    it('matches no row when a value of the condition is null or undefined, which an ORM might ignore', async () => {
      const conditions: Where[] = [
        () => null,
        () => ({ title: undefined }),
        () => ({ title: null }),
        () => ({ owner: undefined }),
        () => ({ owner: { tenant: undefined } }),
        () => ({ owner: { name: 'ann', tenant: null } }),
        () => ({ id: undefined }),
        () => ({ slug: null }),
      ];
      for (const where of conditions) expect(await visible(where)).toEqual([]);
    });

    it('refuses a slugField that is the primary key beside an idParam', () => {
      expect(() => view({ slugField: 'id', idParam: 'other' })).toThrow('not the primary key');
    });
  });
}
