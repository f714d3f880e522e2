// Compiled, not run: each marked line must not compile, and the compiler reports a mark without an error.
import type { MultipartFile as FastifyFile } from '@fastify/multipart';
import type { ReadStream } from 'node:fs';
import type {} from 'multer';
import { dataUri, remoteFile, type Files, type StoredFile, type StorageRegistry } from 'filefield';
import { objectDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { FileField as MikroFileField } from 'filefield/mikro-orm';
import { FileField } from 'filefield/typeorm';
import { In } from 'typeorm';
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
declare class Film {
  director: { name: string };
  released: Date;
  long: boolean;
  size: bigint;
  title(): string;
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
// Everything that bytes may come from.
declare const multerFile: Express.Multer.File;
declare const fastifyPart: FastifyFile;
declare const graphqlFile: { filename: string; mimetype: string; encoding: string; createReadStream(): ReadStream };
declare const maybe: string | undefined;
void files.stage(Document, 'file', multerFile);
void files.stage(Document, 'file', { ...multerFile, temporary: true });
void files.stage(Document, 'file', {
  path: '/tmp/a',
  originalname: 'a',
  fieldname: 'f',
  encoding: '7bit',
  mimetype: 'a/b',
});
void files.stage(Document, 'file', { buffer: Buffer.from('a'), originalname: 'a', mimetype: 'a/b', size: 1 });
void files.stage(Document, 'file', fastifyPart);
void files.stage(Document, 'file', graphqlFile);
void files.stage(Document, 'file', new Response('x'));
void files.stage(Document, 'file', new Response('x').body!);
void files.stage(Document, 'file', dataUri('data:,x', { name: maybe }));
void files.stage(Document, 'file', remoteFile('https://files.example/a'));
void files.stage(Document, 'file', { path: 'a', originalname: maybe }, { name: maybe, signal: undefined });
void files.stageAll(Document, 'file', ['a', multerFile, new Blob(['a'])], {
  concurrency: undefined,
  maxSize: undefined,
});
// @ts-expect-error - a promise of a file
void files.stage(Document, 'file', Promise.resolve(graphqlFile));
// @ts-expect-error - a path under another name
void files.stage(Document, 'file', { file: 'a.txt' });
// @ts-expect-error - a path under another name
void files.stage(Document, 'file', { filename: 'a.txt' });
// @ts-expect-error - a misspelt option of a source
void files.stage(Document, 'file', { path: 'a.txt', temporay: true });
// @ts-expect-error - bytes that were read into memory are not a temporary file
void files.stage(Document, 'file', { buffer: Buffer.from('a'), temporary: true });
// @ts-expect-error - a URL
void files.stage(Document, 'file', new URL('https://files.example/a'));
// @ts-expect-error - a stream of numbers
void files.stage(Document, 'file', new ReadableStream<number>());
// @ts-expect-error - an array of bytes
void files.stage(Document, 'file', [1, 2, 3]);
// @ts-expect-error - null
void files.stage(Document, 'file', null);

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

declare const ids: readonly number[];
declare const perhaps: string | undefined;
void files.deleteMany(Document, { id: 1 });
void files.deleteMany(Document, { id: In([1, 2]), slug: 'a' });
void files.deleteMany(Document, { id: { $gte: 1 }, file: null });
void files.deleteMany(Document, { id: ids });
void files.deleteMany(Film, { director: 7, released: '2026-01-01', long: true });
void files.deleteMany(Film, { director: { name: 'a' }, released: new Date(), size: 7 });
// @ts-expect-error - no condition
void files.deleteMany(Document, {});
// @ts-expect-error - a condition without a value
void files.deleteMany(Document, { slug: undefined });
// @ts-expect-error - a condition that may have no value
void files.deleteMany(Document, { slug: perhaps });
// @ts-expect-error - text for a number
void files.deleteMany(Document, { id: 'a' });
// @ts-expect-error - null for a property that has none
void files.deleteMany(Document, { slug: null });
// @ts-expect-error - a misspelt property
void files.deleteMany(Document, { slugg: 'a' });
// @ts-expect-error - a method
void files.deleteMany(Film, { title: () => 'a' });

class Letter {
  @FileField({ storage: 'letters', nullable: true })
  optional?: StoredFile | null;

  @FileField({ storage: 'letters', nullable: false })
  required!: StoredFile;

  @FileField({ storage: 'letters', nullable: Math.random() > 0.5 })
  either!: StoredFile;

  @FileField({ storage: 'letters' })
  private hidden!: StoredFile | null;

  // @ts-expect-error - a null of the database that the property does not have
  @FileField({ storage: 'letters', nullable: true })
  neverNull!: StoredFile;

  // @ts-expect-error - the default is nullable
  @FileField({ storage: 'letters' })
  byDefault!: StoredFile;

  // @ts-expect-error - a null that the database refuses
  @FileField({ storage: 'letters', nullable: false })
  notNullable!: StoredFile | null;

  // @ts-expect-error - several files
  @FileField({ storage: 'letters' })
  several!: StoredFile[];

  // @ts-expect-error - a misspelt option
  @FileField({ storage: 'letters', maxsize: 7 })
  misspelt!: StoredFile | null;

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

class Postcard {
  @MikroFileField({ storage: 'letters' })
  front?: StoredFile | null;

  @MikroFileField({ storage: 'letters', nullable: false })
  back!: StoredFile;

  // @ts-expect-error - the default is nullable
  @MikroFileField({ storage: 'letters' })
  byDefault!: StoredFile;

  // @ts-expect-error - a null that the database refuses
  @MikroFileField({ storage: 'letters', nullable: false })
  notNullable!: StoredFile | null;
}
void Postcard;
