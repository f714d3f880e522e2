import { objectDownloadView, respond } from 'filefield';
import { expectCode, type OrmContext } from './context.js';

export function viewsClaims(t: OrmContext): void {
  describe('views', () => {
    const request = (params: Record<string, string>) => ({ method: 'GET', headers: {}, params, raw: undefined });

    it('find a row by id and by slug', async () => {
      const { id } = await t.inserted('view', 'view me');
      const byId = objectDownloadView(t.files, t.harness.Document, { field: 'file' });
      const bySlug = objectDownloadView(t.files, t.harness.Document, { field: 'file', slugField: 'slug' });
      for (const view of [byId(request({ id: String(id) })), bySlug(request({ slug: 'view' }))]) {
        const answer = await respond(request({}), await view);
        expect(answer.status).toBe(200);
        expect(answer.headers['content-length']).toBe('7');
        answer.close();
      }
    });

    it.each(['abc', '1e3', '0x1', ' 1', '1;--', '99999999999999999999', '-', '\u0000', ''])(
      'answer "not found" to the malformed id %j, with no error of the database',
      async (id) => {
        const view = objectDownloadView(t.files, t.harness.Document, { field: 'file' });
        await expectCode(view(request({ id })), 'not_found');
      },
    );

    it.each(["' OR 1=1 --", 'no-such', 'a\u0000b', '\ud800', 'x'.repeat(5000)])(
      'answer "not found" to the odd slug %#',
      async (slug) => {
        const view = objectDownloadView(t.files, t.harness.Document, { field: 'file', slugField: 'slug' });
        await expectCode(view(request({ slug })), 'not_found');
      },
    );

    it('refuse a field or column that does not exist as soon as they are made', () => {
      expect(() => objectDownloadView(t.files, t.harness.Document, { field: 'title' as never })).toThrow(
        'not a file field',
      );
      expect(() =>
        objectDownloadView(t.files, t.harness.Document, { field: 'file', slugField: 'nope' as never }),
      ).toThrow('no column');
    });
  });
}
