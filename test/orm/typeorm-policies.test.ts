import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageRegistry, type Duration, type StoredFile } from 'filefield';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { MemoryStorage } from 'filefield/storages/memory';
import { Column, DeleteDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Book {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) title!: string;
  @DeleteDateColumn() deletedAt!: Date | null;
  @FileField({ storage: 'media', onReplace: 'keep', onDelete: { retain: '1h' } }) archive!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'share' }) shared!: StoredFile | null;
  @FileField({ storage: 'media', onSoftDelete: 'delete' }) draft!: StoredFile | null;
  @FileField({ storage: 'media', copies: 'copy' }) copied!: StoredFile | null;
  @FileField({ storage: 'media', onDelete: { retain: '0s' } }) secret!: StoredFile | null;
  @FileField({ storage: 'media' }) plain!: StoredFile | null;
}

async function open(database: DatabaseName, grace: Duration = 0) {
  const { dataSource, close } = await openDataSource(database, { entities: [Book], logging: false });
  const runner = dataSource.createQueryRunner();
  await createLedger(runner);
  await runner.release();
  const media = new MemoryStorage();
  const files = await attachFiles(dataSource, { storages: new StorageRegistry({ media }), grace });
  const books = dataSource.getRepository(Book);
  const rows = async () =>
    (await dataSource.query('SELECT state, slot FROM file_ledger ORDER BY created_at, id')) as { state: string }[];
  return { dataSource, close, files, media, books, states: async () => (await rows()).map(({ state }) => state) };
}

describe.each(await reachableDatabases())('policies of fields in TypeORM on %s', (database) => {
  let site: Awaited<ReturnType<typeof open>>;
  beforeEach(async () => {
    site = await open(database);
  });
  afterEach(() => site.close());

  const stage = (field: 'archive' | 'shared' | 'copied' | 'draft' | 'plain', text: string) =>
    site.files.stage(Book, field, text);
  const textOf = async (field: 'archive' | 'shared' | 'copied' | 'draft' | 'plain', id: number) =>
    (await site.books.findOneByOrFail({ id }))[field]?.text();

  it('keeps a replaced file, and no reconcile reports it, with keep', async () => {
    const { books, files, media, states } = site;
    const book = await books.save(books.create({ archive: await stage('archive', 'first') }));
    book.archive = await stage('archive', 'second');
    await books.save(book);
    await files.sweep();
    expect((await states()).sort()).toEqual(['kept', 'live']);
    expect(media.keys).toHaveLength(2);
    expect(await files.reconcile()).toMatchObject({ unreferenced: [], unknown: [] });
  });

  it('deletes the file of a deleted row after the time of retain, not after the grace', async () => {
    const { books, dataSource, files, media, states } = site;
    const book = await books.save(books.create({ archive: await stage('archive', 'ledger') }));
    await books.remove(book);
    await files.sweep();
    expect(await states()).toEqual(['released']);
    expect(media.keys).toHaveLength(1);
    const [row] = (await dataSource.query('SELECT not_before - released_at AS wait FROM file_ledger')) as {
      wait: number;
    }[];
    expect(Number(row?.wait)).toBe(3_600_000);
    await dataSource.query('UPDATE file_ledger SET not_before = 1');
    await files.sweep();
    expect(media.keys).toEqual([]);
  });

  it('retains a released file for the time of its field and no longer, with a longer grace', async () => {
    const { books, dataSource, close, files, media, states } = await open(database, '1d');
    const archive = await files.stage(Book, 'archive', 'ledger');
    const secret = await files.stage(Book, 'secret', 'to be erased');
    const plain = await files.stage(Book, 'plain', 'ordinary');
    const book = await books.save(books.create({ archive, secret, plain }));
    await books.remove(book);
    const waits: unknown = await dataSource.query(
      'SELECT slot, not_before - released_at AS wait FROM file_ledger ORDER BY slot',
    );
    expect((waits as { wait: unknown }[]).map(({ wait }) => Number(wait))).toEqual([3_600_000, 86_400_000, 0]);
    await files.sweep();
    expect(await states()).toEqual(['released', 'released']);
    expect(media.keys).not.toContain(secret.toDescriptor().key);
    await close();
  });

  it('deletes a file of several rows with the last of them, with share', async () => {
    const { books, files, media } = site;
    const one = await books.save(books.create({ shared: await stage('shared', 'common') }));
    const two = await books.save(books.create({ shared: one.shared }));
    const three = await books.save(books.create({ shared: (await books.findOneByOrFail({ id: two.id })).shared }));
    const [second, third] = [two.id, three.id];
    await books.remove(one);
    await files.sweep();
    expect(await textOf('shared', second)).toBe('common');
    expect(await textOf('shared', third)).toBe('common');
    three.shared = null;
    await books.save(three);
    await files.sweep();
    expect(await textOf('shared', second)).toBe('common');
    await books.remove(two);
    await files.sweep();
    expect(media.keys).toEqual([]);
  });

  it('copies a file of another row while the row is saved, and deletes each copy with its row, with copy', async () => {
    const { books, files, media } = site;
    const one = await books.save(books.create({ copied: await stage('copied', 'twice') }));
    const two = await books.save(books.create({ copied: one.copied }));
    const three = await books.save(books.create({ title: 'empty' }));
    three.copied = (await books.findOneByOrFail({ id: two.id })).copied;
    await books.save(three);
    expect(new Set([one, two, three].map(({ copied }) => copied?.id)).size).toBe(3);
    expect(media.keys).toHaveLength(3);
    // A row's own file is not copied.
    const again = await books.findOneByOrFail({ id: two.id });
    again.title = 'again';
    again.copied = two.copied;
    await books.save(again);
    expect(media.keys).toHaveLength(3);
    await books.remove([one, three]);
    await files.sweep();
    expect(media.keys).toHaveLength(1);
    expect(await textOf('copied', again.id)).toBe('twice');
  });

  it('gives a copy the width and height of its original, hashes of its own, and refuses an encrypted original', async () => {
    const { books, dataSource } = site;
    const one = await books.save(books.create({ copied: await stage('copied', 'a picture') }));
    const rewritten = async (members: object) => {
      const text = JSON.stringify({ ...one.copied!.toDescriptor(), ...members });
      await dataSource.query(`UPDATE book SET copied = '${text}' WHERE id = ${one.id}`);
      return books.findOneByOrFail({ id: one.id });
    };
    const { copied } = await rewritten({ width: 30, height: 20, sha256: undefined, later: true });
    const two = await books.save(books.create({ copied }));
    const { sha256, crc32 } = one.copied!;
    expect(two.copied!.toDescriptor()).toMatchObject({ width: 30, height: 20, sha256, crc32 });
    expect(two.copied!.toDescriptor()).not.toHaveProperty('later');
    const encrypted = await rewritten({ encryption: 'x' });
    await expect(books.save(books.create({ copied: encrypted.copied }))).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('refuses a file of another row, and stages a copy from it, with forbid', async () => {
    const { books, files, media } = site;
    const one = await books.save(books.create({ plain: await files.stage(Book, 'plain', 'text', { name: 'a.txt' }) }));
    await expect(books.save(books.create({ plain: one.plain }))).rejects.toMatchObject({ code: 'already_bound' });
    const two = await books.save(books.create({ plain: await files.stage(Book, 'plain', one.plain!) }));
    expect(two.plain?.name).toBe('a.txt');
    await books.remove(one);
    await files.sweep();
    expect(await textOf('plain', two.id)).toBe('text');
    expect(media.keys).toHaveLength(1);
  });

  it('keeps the files of a row that is soft-deleted and restored', async () => {
    const { books, files } = site;
    const book = await books.save(books.create({ plain: await stage('plain', 'patient') }));
    await books.softRemove(book);
    await files.sweep();
    await books.recover(book);
    await files.sweep();
    expect(await textOf('plain', book.id)).toBe('patient');
  });

  it('releases the file of a soft-deleted row and revives it when the row is restored in time, with onSoftDelete delete', async () => {
    const { books, files, media, states } = site;
    const book = await books.save(books.create({ draft: await stage('draft', 'rough') }));
    await books.softRemove(book);
    expect(await states()).toEqual(['released']);
    await books.recover(book);
    expect(await states()).toEqual(['live']);
    await files.sweep();
    expect(await textOf('draft', book.id)).toBe('rough');
    await books.softRemove(book);
    await delay(5);
    await files.sweep();
    expect(media.keys).toEqual([]);
    await expect(books.recover(book)).rejects.toMatchObject({ code: 'staged_expired' });
    expect(await books.findOneBy({ id: book.id })).toBeNull();
  });
});
