import { fileURLToPath } from 'node:url';
import type { Files } from 'filefield';
import type { Library, Row, Store } from './store.js';

interface Sample {
  readonly path: string;
  readonly slug: string;
  readonly title: string;
  /** File name. @default the name of the sample */
  readonly name?: string;
}

const documents: readonly Sample[] = [
  // Its name in the repository is ASCII, since some archive tools and file systems change other names.
  { path: 'notes.txt', slug: 'notes', title: 'Notes with a UTF-8 name', name: 'Grüße aus 東京 – notes.txt' },
  { path: 'handbook.pdf', slug: 'handbook', title: 'A small handbook' },
  { path: 'chord.ogg', slug: 'chord', title: 'A soft chord' },
  { path: 'zoom.webm', slug: 'zoom', title: 'Into the Mandelbrot set' },
];
const photos: readonly Sample[] = [
  { path: 'dusk.jpg', slug: 'dusk', title: 'Dusk' },
  { path: 'mandelbrot.jpg', slug: 'mandelbrot', title: 'Seahorse valley' },
];

/** Fills an empty library with the samples. */
export async function seed(library: Library): Promise<void> {
  const { files } = library;
  if ((await library.documents.list()).length + (await library.photos.list()).length > 0) return;
  await add(files, library.documents, documents);
  await add(files, library.photos, photos);
}

async function add<Entity extends Row>(files: Files, store: Store<Entity>, samples: readonly Sample[]): Promise<void> {
  for (const { path, name, slug, title } of samples) {
    const source = { path: fileURLToPath(new URL(`samples/${path}`, import.meta.url)) };
    const file = await files.stage(store.entity, store.field, source, { name });
    await store.create({ slug, title, file });
  }
}
