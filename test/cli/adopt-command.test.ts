import 'reflect-metadata';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { StoredFile } from 'filefield';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { DiskStorage } from 'filefield/storages/disk';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { commandFolder } from './run-filefield.js';

/** Before the guide. */
@Entity('document')
class OldDocument {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { nullable: true }) path!: string | null;
  @Column('varchar', { nullable: true }) original!: string | null;
}

/** Step 1. */
@Entity('document')
class Document extends OldDocument {
  @FileField({ storage: 'uploads' }) file!: StoredFile | null;
}

/** Step 5. */
@Entity('document')
class NewDocument {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'uploads' }) file!: StoredFile | null;
}

const folder = commandFolder();
const database = path.join(folder.path, 'app.db');
const root = path.join(folder.path, 'uploads');
const open = (entity: new () => object) =>
  new DataSource({ type: 'sqlite', database, entities: [entity], synchronize: true }).initialize();

/** The command of the guide. */
function guideCommand(): string[] {
  const [, line = ''] = /^npx filefield (adopt .+)$/m.exec(readFileSync('docs/adopting.md', 'utf8')) ?? [];
  return line.split(' ');
}

it('docs/adopting.md leads from paths to file fields without losing a file', async () => {
  const before = await open(OldDocument);
  const paths = [`${root}/2019/a.pdf`, `${root}/b.txt`, `${root}/none.txt`, `${root}/b.txt`, '/etc/passwd', null];
  mkdirSync(path.join(root, '2019'), { recursive: true });
  writeFileSync(path.join(root, '2019/a.pdf'), '%PDF-1.7\n');
  writeFileSync(path.join(root, 'b.txt'), 'text of b');
  await before
    .getRepository(OldDocument)
    .save(paths.map((one, index) => ({ path: one, original: `name ${index}.txt` })));
  await before.destroy();

  const between = await open(Document);
  await createLedger(between);
  await between.destroy();
  folder.write(
    'filefield.config.mjs',
    `import 'reflect-metadata';
     import { DataSource, EntitySchema } from 'typeorm';
     import { DiskStorage } from 'filefield/storages/disk';
     import { attachFiles, fileColumn } from 'filefield/typeorm';
     const text = { type: String, nullable: true };
     const columns = { id: { type: Number, primary: true, generated: true }, path: text, original: text, file: fileColumn({ storage: 'uploads' }) };
     const entities = [new EntitySchema({ name: 'Document', tableName: 'document', columns })];
     export const files = async () => {
       const dataSource = await new DataSource({ type: 'sqlite', database: 'app.db', entities }).initialize();
       return attachFiles(dataSource, { storages: { uploads: new DiskStorage({ root: 'uploads' }) }, grace: 0, protection: 'off' });
     };`,
  );
  const dry = guideCommand();
  expect(dry).toContain('--dry-run');
  const real = dry.filter((word) => word !== '--dry-run');
  expect(await folder.run(dry)).toMatchObject({ code: 1, stdout: expect.stringMatching(/adopted +2\n/) });
  const { code, stdout, stderr } = await folder.run([...real, '--json']);
  expect({ code, stderr, report: JSON.parse(stdout) as unknown }).toEqual({
    code: 1,
    stderr: '',
    report: {
      adopted: 2,
      bytes: 18,
      changed: 0,
      skipped: 1,
      missing: [{ pk: '3', key: 'none.txt' }],
      shared: [{ pk: '4', key: 'b.txt' }],
      odd: [{ pk: '5', key: '/etc/passwd', reason: 'The path leads out of the folder of the storage.' }],
      failed: [],
      faults: [],
    },
  });
  expect((await folder.run(real)).stdout).toMatch(/adopted +0\n[^]*shared +1\n +4: "b.txt"\n/);

  const after = await open(NewDocument);
  const storages = { uploads: new DiskStorage({ root, sync: false }) };
  const files = await attachFiles(after, { storages, grace: 0, protection: 'off' });
  const rows = await after.getRepository(NewDocument).find({ order: { id: 'ASC' } });
  expect(rows.map(({ file }) => file && [file.name, file.type])).toEqual([
    ['name 0.txt', 'application/pdf'],
    ['name 1.txt', 'text/plain'],
    null,
    null,
    null,
    null,
  ]);
  expect(await rows[1]!.file!.text()).toBe('text of b');
  expect(await files.reconcile()).toMatchObject({ unreferenced: [], missing: [], unrecorded: [] });
  await after.destroy();
}, 60_000);

it.each([
  ['URLs', ['--url', 'path', '--base', 'https://cdn.example.org/'], 'https://cdn.example.org/of%20a.txt?v=1'],
  ['keys', ['--key', 'path', '--prefix', '/files/'], '/files/of a.txt'],
])(
  'filefield adopt finds objects by their %s',
  async (_, options, text) => {
    const dataSource = await open(Document);
    const storages = { uploads: new DiskStorage({ root, sync: false }) };
    const files = await attachFiles(dataSource, { storages, grace: 0, protection: 'off' });
    const documents = dataSource.getRepository(Document);
    writeFileSync(path.join(root, 'of a.txt'), 'text of a');
    const { id } = await documents.save({ path: text, original: null, file: null });
    const command = ['adopt', '--entity', 'Document', '--field', 'file', ...options];
    expect((await folder.run([...command, '--dry-run'])).stdout).toMatch(/adopted +1\n/);
    expect((await folder.run(command)).stdout).toMatch(/adopted +1\n/);
    const row = await documents.findOneByOrFail({ id });
    expect(await row.file!.text()).toBe('text of a');
    await documents.remove(row);
    expect(await files.sweep()).toMatchObject({ deleted: 1 });
    await dataSource.destroy();
  },
  60_000,
);

it('filefield adopt says which option is missing or wrong', async () => {
  const wrong = async (...args: string[]) => (await folder.run(['adopt', ...args])).stderr;
  expect(await wrong('--field', 'file')).toContain('give --entity <name>');
  const entity = ['--entity', 'Documents', '--field', 'file', '--path', 'path'];
  expect(await wrong(...entity)).toContain('no entity "Documents"');
  const document = ['--entity', 'Document', '--field', 'file'];
  expect(await wrong(...document)).toContain('give one of --path, --url and --key <property>');
  expect(await wrong(...document, '--path', 'path', '--url', 'path')).toContain('give one of');
  expect(await wrong(...document, '--path', 'paths')).toContain('no column "paths"');
  expect(await wrong(...document, '--url', 'path')).toContain('give the option "base"');
  const field = ['--entity', 'Document', '--field', 'path', '--path', 'path'];
  expect(await wrong(...field)).toContain('Document.path is not a file field');
}, 60_000);
