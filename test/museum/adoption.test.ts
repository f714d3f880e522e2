import 'reflect-metadata';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type StoredFile } from 'filefield';
import { DiskStorage } from 'filefield/storages/disk';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('old_document')
class OldDocument {
  @PrimaryGeneratedColumn() id!: number;
  @Column('text', { nullable: true }) path!: string | null;
  @FileField({ storage: 'uploads' }) file!: StoredFile | null;
}

type Fate = 'adopted' | 'missing' | 'shared' | 'odd' | 'skipped';

/** Paths as ten years of an application leave them, and what becomes of each. */
const exhibits: readonly (readonly [make: (index: number) => string | null, fate: Fate])[] = [
  [(index) => `2019/${index}.pdf`, 'adopted'],
  [(index) => `Übersicht ${index} – größe.txt`, 'adopted'],
  [(index) => `${index} ${'é'.normalize('NFD')}.txt`, 'adopted'],
  [(index) => `日本語/${index}/📎.png`, 'adopted'],
  [(index) => `a b/${index}  .txt`, 'adopted'],
  [(index) => `${index}%20of%2Fthem.txt`, 'adopted'],
  [(index) => `photo${index}.jpg`, 'adopted'],
  [(index) => `PHOTO${index}.JPG`, 'adopted'],
  [(index) => `${index}?x=1#y&z;'"<>|*.txt`, 'adopted'],
  [(index) => `${index}`, 'adopted'],
  [(index) => `${'long/'.repeat(20)}${index}-${'n'.repeat(200)}.txt`, 'adopted'],
  [(index) => `empty/${index}.bin`, 'adopted'],
  [(index) => `missing/${index}.txt`, 'missing'],
  [(index) => `2019/${index - (index % 20)}.pdf`, 'shared'],
  [(index) => `../${index}.txt`, 'odd'],
  [(index) => `a/../${index}.txt`, 'odd'],
  [(index) => `/etc/${index}`, 'odd'],
  [(index) => `C:\\uploads\\${index}.txt`, 'odd'],
  [() => null, 'skipped'],
  [(index) => `${'x'.repeat(300)}${index}`, 'odd'],
];

/** More by hand, as `ADOPT_ROWS=100000`. */
const count = Number(process.env.ADOPT_ROWS ?? 10_000);

describe('the paths of an old application', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'filefield-museum-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it(`of ${count} rows are adopted or reported, each with its reason, and none is lost`, async () => {
    const dataSource = new DataSource({
      type: 'sqlite',
      database: path.join(root, 'old.db'),
      entities: [OldDocument],
      synchronize: true,
    });
    await dataSource.initialize();
    await createLedger(dataSource);
    const uploads = path.join(root, 'uploads');
    const rows = Array.from({ length: count }, (_, index) => {
      const [make, fate] = exhibits[index % exhibits.length]!;
      return { path: make(index), fate };
    });
    for (const { path: key, fate } of rows) {
      if (key === null || fate !== 'adopted') continue;
      const file = path.join(uploads, key);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, key.startsWith('empty/') ? '' : `text of ${key}`);
    }
    const repository = dataSource.getRepository(OldDocument);
    for (let index = 0; index < count; index += 500) {
      await repository.insert(rows.slice(index, index + 500).map(({ path: key }) => ({ path: key })));
    }
    const storages = { uploads: new DiskStorage({ root: uploads, sync: false }) };
    const files = await attachFiles(dataSource, { storages, grace: 0, protection: 'off' });
    const adopt = () => files.adopt(OldDocument, 'file', { key: (row) => row.path });
    const expected = (fate: Fate) => rows.filter((row) => row.fate === fate).length;
    const report = await adopt();
    const { adopted, skipped, missing, shared, odd, failed, changed } = report;
    expect({ adopted, skipped, missing: missing.length, shared: shared.length, odd: odd.length }).toEqual({
      adopted: expected('adopted'),
      skipped: expected('skipped'),
      missing: expected('missing'),
      shared: expected('shared'),
      odd: expected('odd'),
    });
    expect([failed, changed]).toEqual([[], 0]);
    expect(await adopt()).toMatchObject({ adopted: 0, shared: { length: expected('shared') } });
    for (let after = 0; ;) {
      const found = await repository
        .createQueryBuilder('row')
        .where('row.id > :after AND row.file IS NOT NULL', { after })
        .orderBy('row.id')
        .limit(500)
        .getMany();
      for (const row of found) {
        const bytes = row.path!.startsWith('empty/') ? '' : `text of ${row.path!}`;
        expect(await row.file!.text()).toBe(bytes);
      }
      if (found.length === 0) break;
      after = found.at(-1)!.id;
    }
    await files.reconcile({ repair: true, batch: 10_000 });
    expect(await files.sweep()).toMatchObject({ deleted: 0 });
    await dataSource.destroy();
  }, 180_000);
});
