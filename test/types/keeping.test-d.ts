// Compiled, not run: each marked line must not compile, and the compiler reports a mark without an error.
import type { Files, StoredFile, StorageRegistry } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { FileField } from 'filefield/typeorm';
import type { FileFieldOf } from '../../src/file/entity.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const expectType = <T extends true>(value?: T) => value;

declare class Document {
  id: number;
  slug: string;
  ownerId: number;
  file: StoredFile | null;
  cover: StoredFile;
  nothing: null;
}
declare const files: Files;
declare const storages: StorageRegistry<{ documents: DiskStorage }>;

expectType<Equal<StoredFile['sha256'], string | undefined>>();
expectType<Equal<FileFieldOf<Document>, 'file' | 'cover'>>();
expectType<Equal<ReturnType<typeof storages.get<'documents'>>, DiskStorage>>();

void files.stage(Document, 'file', 'content');
void files.stage(Document, 'cover', Buffer.from('content'));
// @ts-expect-error - a misspelt field
void files.stage(Document, 'fiel', 'content');
// @ts-expect-error - not a file field
void files.stage(Document, 'slug', 'content');
// @ts-expect-error - a number is not a source of bytes
void files.stage(Document, 'file', 7);
// @ts-expect-error - a storage that is not registered
storages.get('photos');

objectDownloadView(files, Document, {
  field: 'file',
  slugField: 'slug',
  authorize: (request, document) => document.ownerId === Number(request.headers['x-user']),
  disposition: (_request, document) => (document.ownerId === 1 ? 'inline' : 'attachment'),
});
// @ts-expect-error - a misspelt field
objectDownloadView(files, Document, { field: 'fiel' });
// @ts-expect-error - a misspelt column
objectDownloadView(files, Document, { field: 'file', slugField: 'slgu' });
// @ts-expect-error - a misspelt option
objectDownloadView(files, Document, { field: 'file', dispositon: 'inline' });
// @ts-expect-error - a wrong value
objectDownloadView(files, Document, { field: 'file', disposition: 'download' });
// @ts-expect-error - no such property
objectDownloadView(files, Document, { field: 'file', authorize: (_request, document) => document.owner });
// @ts-expect-error - the root is required
new DiskStorage({});

class Letter {
  @FileField({ storage: 'letters', maxSize: '20 MB', accept: ['image/*'], extensions: ['.png'] })
  file!: StoredFile | null;

  // @ts-expect-error - not a property that can hold a file
  @FileField({ storage: 'letters' })
  name!: string;

  // @ts-expect-error - a size without a unit
  @FileField({ storage: 'letters', maxSize: '20' })
  badSize!: StoredFile | null;

  // @ts-expect-error - not a media type
  @FileField({ storage: 'letters', accept: ['pdf'] })
  badType!: StoredFile | null;

  // @ts-expect-error - the storage is required
  @FileField({})
  badOptions!: StoredFile | null;
}
void Letter;
