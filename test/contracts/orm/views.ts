import { jest } from '@jest/globals';
import { objectView, respond } from 'filefield';
import { expectDownload, runView } from 'filefield/testing';
import { expectCode, type OrmContext } from './context.js';

export function viewsClaims(t: OrmContext): void {
  describe('objectView', () => {
    const request = (params: Record<string, string>) => ({ method: 'GET', headers: {}, params, raw: undefined });

    it('finds a row by id and by slug', async () => {
      const { id } = await t.inserted('view', 'view me');
      const byId = objectView(t.files, t.harness.Document, { field: 'file' });
      const bySlug = objectView(t.files, t.harness.Document, { field: 'file', slugField: 'slug' });
      for (const view of [byId(request({ id: String(id) })), bySlug(request({ slug: 'view' }))]) {
        const response = await respond(request({}), await view);
        expect(response.status).toBe(200);
        expect(response.headers['content-length']).toBe('7');
        response.close();
      }
    });

    it('answers a HEAD and a 304 from the row, without a read of the storage, and serves each field by its own view', async () => {
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
        fileName: (_raw, document) => `${document.slug}.txt`,
      });
      await expectDownload(await runView(cover, { params }), { text: 'the cover', name: 'two.txt' });
      expect(covers.keys.length).toBeGreaterThan(0);
    });

    it('requires id and slug of the same row when it has both', async () => {
      const [one, other] = [await t.inserted('both-a', 'a'), await t.inserted('both-b', 'b')];
      const view = objectView(t.files, t.harness.Document, { field: 'file', slugField: 'slug', idParam: 'id' });
      const status = async (id: number | string, slug: string) =>
        (await runView(view, { params: { id: String(id), slug } })).status;
      expect(await status(one.id, 'both-a')).toBe(200);
      expect(await status(other.id, 'both-b')).toBe(200);
      expect(await status(one.id, 'both-b')).toBe(404);
      expect(await status('abc', 'both-a')).toBe(404);
      expect(() => objectView(t.files, t.harness.Document, { field: 'file', idParam: 'id' })).toThrow('slugField');
    });

    it('serves only rows that "where" matches, and no row when it returns null', async () => {
      const { id } = await t.inserted('scoped', 'mine');
      const view = objectView<{ slug: string } & object, string | null>(t.files, t.harness.Document as never, {
        field: 'file' as never,
        where: (slug) => (slug === null ? null : { slug }),
      });
      const status = async (raw: string | null) => (await runView(view, { raw, params: { id: String(id) } })).status;
      expect(await status('scoped')).toBe(200);
      expect(await status('other')).toBe(404);
      expect(await status(null)).toBe(404);
    });

    it('returns 404 for a row without a file and for missing bytes, and reports only the latter', async () => {
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
      const onMissingEvent = jest.fn();
      t.files.on('missing', onMissingEvent);
      await t.harness.documents.delete(key);
      expect((await runView(view, { params: { id: String(row.id) } })).status).toBe(404);
      t.files.off('missing', onMissingEvent);
      await t.harness.unit().remove((await t.harness.unit().find('gone'))!);
      expect(missing).toMatchObject([['gone', { code: 'missing' }]]);
      expect(onMissingEvent).toHaveBeenCalledTimes(1);
    });

    it.each(['abc', '1e3', '0x1', ' 1', '1;--', '99999999999999999999', '-', '\u0000', ''])(
      'rejects the malformed id %j with not_found, not with an error of the database',
      async (id) => {
        const view = objectView(t.files, t.harness.Document, { field: 'file' });
        await expectCode(view(request({ id })), 'not_found');
      },
    );

    it.each(["' OR 1=1 --", 'no-such', 'a\u0000b', '\ud800', 'x'.repeat(5000)])(
      'rejects the unusual slug %# with not_found',
      async (slug) => {
        const view = objectView(t.files, t.harness.Document, { field: 'file', slugField: 'slug' });
        await expectCode(view(request({ slug })), 'not_found');
      },
    );

    it('throws for a field or column that does not exist when it is created', () => {
      expect(() => objectView(t.files, t.harness.Document, { field: 'title' as never })).toThrow('not a file field');
      expect(() => objectView(t.files, t.harness.Document, { field: 'file', slugField: 'nope' as never })).toThrow(
        'no column',
      );
    });
  });
}
