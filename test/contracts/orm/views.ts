import { jest } from '@jest/globals';
import { objectView, respond } from 'filefield';
import { expectDownload, runView } from 'filefield/testing';
import { expectCode, type OrmContext } from './context.js';

export function viewsClaims(t: OrmContext): void {
  describe('views', () => {
    const request = (params: Record<string, string>) => ({ method: 'GET', headers: {}, params, raw: undefined });

    it('find a row by id and by slug', async () => {
      const { id } = await t.inserted('view', 'view me');
      const byId = objectView(t.files, t.harness.Document, { field: 'file' });
      const bySlug = objectView(t.files, t.harness.Document, { field: 'file', slugField: 'slug' });
      for (const view of [byId(request({ id: String(id) })), bySlug(request({ slug: 'view' }))]) {
        const answer = await respond(request({}), await view);
        expect(answer.status).toBe(200);
        expect(answer.headers['content-length']).toBe('7');
        answer.close();
      }
    });

    it('serve each field by its own view, with name, type, length, tag and digest out of the row alone', async () => {
      const { documents, covers } = t.harness;
      const file = await t.stage('the file', 'Bericht.txt');
      const row = await t.harness.unit().insert({ slug: 'two', file, cover: await t.stageCover('the cover') });
      const reads = documents.reads;
      const view = objectView(t.files, t.harness.Document, { field: 'file', disposition: 'inline' });
      const params = { id: String(row.id) };
      const head = await runView(view, { method: 'HEAD', params });
      await expectDownload(head, {
        name: 'Bericht.txt',
        type: 'text/plain',
        disposition: 'inline',
        headers: { 'content-length': '8', etag: /^"/, 'last-modified': /GMT$/, 'repr-digest': /^sha-256=:/ },
      });
      expect((await runView(view, { params, headers: { 'if-none-match': head.headers.etag! } })).status).toBe(304);
      expect(documents.reads).toBe(reads);
      await expectDownload(await runView(view, { params }), { text: 'the file' });
      const cover = objectView(t.files, t.harness.Document, {
        field: 'cover',
        fileName: (_raw, one) => `${one.slug}.txt`,
      });
      await expectDownload(await runView(cover, { params }), { text: 'the cover', name: 'two.txt' });
      expect(covers.keys.length).toBeGreaterThan(0);
    });

    it('want the id and the slug of one row where both are asked for', async () => {
      const [one, other] = [await t.inserted('both-a', 'a'), await t.inserted('both-b', 'b')];
      const view = objectView(t.files, t.harness.Document, { field: 'file', slugField: 'slug', idParam: 'id' });
      const status = async (id: number | string, slug: string) =>
        (await runView(view, { params: { id: String(id), slug } })).status;
      expect([await status(one.id, 'both-a'), await status(other.id, 'both-b')]).toEqual([200, 200]);
      expect([await status(one.id, 'both-b'), await status('abc', 'both-a')]).toEqual([404, 404]);
      expect(() => objectView(t.files, t.harness.Document, { field: 'file', idParam: 'id' })).toThrow('slugField');
    });

    it('see only the rows that "where" leaves, and none where it says null', async () => {
      const { id } = await t.inserted('scoped', 'mine');
      const view = objectView<{ slug: string } & object, string | null>(t.files, t.harness.Document as never, {
        field: 'file' as never,
        where: (slug) => (slug === null ? null : { slug }),
      });
      const status = async (raw: string | null) => (await runView(view, { raw, params: { id: String(id) } })).status;
      expect([await status('scoped'), await status('other'), await status(null)]).toEqual([200, 404, 404]);
    });

    it('answer 404 to a row without a file, and to one whose bytes are gone, which is told', async () => {
      const missing: unknown[] = [];
      const view = objectView(t.files, t.harness.Document, {
        field: 'file',
        onMissing: (_raw, row, error) => missing.push([row.slug, error]),
      });
      const { id: empty } = await t.harness.unit().insert({ slug: 'empty' });
      expect((await runView(view, { params: { id: String(empty) } })).status).toBe(404);
      expect(missing).toEqual([]);
      const row = await t.inserted('gone', 'gone');
      const { key } = row.file!.toDescriptor();
      const told = jest.fn();
      t.files.on('missing', told);
      await t.harness.documents.delete(key);
      expect((await runView(view, { params: { id: String(row.id) } })).status).toBe(404);
      t.files.off('missing', told);
      await t.harness.unit().remove((await t.harness.unit().find('gone'))!);
      expect(missing).toMatchObject([['gone', { code: 'missing' }]]);
      expect(told).toHaveBeenCalledTimes(1);
    });

    it.each(['abc', '1e3', '0x1', ' 1', '1;--', '99999999999999999999', '-', '\u0000', ''])(
      'answer "not found" to the malformed id %j, with no error of the database',
      async (id) => {
        const view = objectView(t.files, t.harness.Document, { field: 'file' });
        await expectCode(view(request({ id })), 'not_found');
      },
    );

    it.each(["' OR 1=1 --", 'no-such', 'a\u0000b', '\ud800', 'x'.repeat(5000)])(
      'answer "not found" to the odd slug %#',
      async (slug) => {
        const view = objectView(t.files, t.harness.Document, { field: 'file', slugField: 'slug' });
        await expectCode(view(request({ slug })), 'not_found');
      },
    );

    it('refuse a field or column that does not exist as soon as they are made', () => {
      expect(() => objectView(t.files, t.harness.Document, { field: 'title' as never })).toThrow('not a file field');
      expect(() => objectView(t.files, t.harness.Document, { field: 'file', slugField: 'nope' as never })).toThrow(
        'no column',
      );
    });
  });
}
