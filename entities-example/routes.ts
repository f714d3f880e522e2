import { Router } from 'express';
import type { Files, FormFields, StoredFile } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { Refusal } from './refusal.js';
import { isSlug, slugsFor } from './slug.js';
import type { Row, Store } from './store.js';

/** Routes to upload, list, replace, delete and download, for one entity with a file field. */
export function shelfRoutes<Entity extends Row>(files: Files, store: Store<Entity>): Router {
  const { entity, field } = store;
  const router = Router();
  // As JSON, a stored file is its name, size and type, without storage and key.
  const show = (row: Entity) => ({
    id: row.id,
    slug: row.slug,
    title: row.title,
    [field]: row[field as keyof Entity],
  });

  router.get('/', async (_request, response) => {
    response.json((await store.list()).map(show));
  });

  router.post('/', async (request, response) => {
    await checkRoom(store);
    const row = await files.receive(request, entity, field, ({ file, fields }) => {
      if (!file) throw new Refusal(400, 'missing_file', field);
      return create(store, file, fields);
    });
    response.status(201).location(`${request.baseUrl}/${row.slug}/file`).json(show(row));
  });

  router.put('/:slug/file', async (request, response) => {
    // Checked before the bytes arrive, and again below, since the row may be deleted meanwhile.
    if (!(await store.find(request.params.slug))) throw new Refusal(404, 'not_found');
    const row = await files.receive(request, entity, field, async ({ file }) => {
      if (!file) throw new Refusal(400, 'missing_file', field);
      const replaced = await store.replaceFile(request.params.slug, file);
      if (!replaced) throw new Refusal(404, 'not_found');
      return replaced;
    });
    response.json(show(row));
  });

  router.delete('/:slug', async (request, response) => {
    if (!(await store.delete(request.params.slug))) throw new Refusal(404, 'not_found');
    response.status(204).end();
  });

  // All files are public here. An application adds `authorize: (request, row) => ...`.
  router.get(
    '/:slug/file',
    objectDownloadView<Entity>(files, entity, { field, slugField: 'slug', disposition: 'inline' }),
  );
  router.get('/by-id/:id/file', objectDownloadView<Entity>(files, entity, { field }));
  return router;
}

const mostRows = 1000;
const mostBytes = 20e9;

/** An example that is left open to the world must not fill the disk. */
async function checkRoom<Entity extends Row>(store: Store<Entity>): Promise<void> {
  const rows = await store.list();
  const bytes = rows.reduce(
    (sum, row) => sum + ((row[store.field as keyof Entity] as StoredFile | null)?.size ?? 0),
    0,
  );
  if (rows.length >= mostRows || bytes >= mostBytes) throw new Refusal(507, 'full');
}

async function create<Entity extends Row>(store: Store<Entity>, file: StoredFile, fields: FormFields): Promise<Entity> {
  const title = one(fields, 'title').trim() || file.name;
  if (title.length > 300) throw new Refusal(400, 'invalid_title', 'title');
  const chosen = one(fields, 'slug');
  if (chosen) {
    if (!isSlug(chosen)) throw new Refusal(400, 'invalid_slug', 'slug');
    return store.create({ slug: chosen, title, file });
  }
  for (const slug of slugsFor(file.name)) {
    try {
      // A staged file survives a rollback, so it can be saved with the next slug.
      return await store.create({ slug, title, file });
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 409)) throw error;
    }
  }
  throw new Refusal(409, 'slug_taken', 'slug');
}

/** A text field that the form may leave out, but not repeat. */
function one(fields: FormFields, name: string): string {
  const value = fields[name] ?? '';
  if (typeof value !== 'string') throw new Refusal(400, `invalid_${name}`, name);
  return value;
}
