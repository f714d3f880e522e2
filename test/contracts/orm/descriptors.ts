import type { FileDescriptor } from 'filefield';
import type { BulkHarness } from './bulk.js';
import type { DocumentRow } from './context.js';

/** Types that a file column may have, beside the one that the ORM makes. The first column of a database is that one. */
export const columnTypes: Readonly<Record<BulkHarness['database'], readonly string[]>> = {
  sqlite: ['as made'],
  postgres: ['as made', 'json', 'jsonb', 'text'],
  mariadb: ['as made', 'longtext'],
};

function alteration(database: BulkHarness['database'], type: string): string {
  return database === 'postgres'
    ? `ALTER TABLE contract_document ALTER COLUMN file TYPE ${type} USING CAST(CAST(file AS text) AS ${type})`
    : `ALTER TABLE contract_document MODIFY COLUMN file ${type}`;
}

/** Members of a later release, in an order that no database returns, and one whose value has members itself. */
const later = { zoom: 1, scan: { verdict: 'clean', at: '2026-11-28' }, tags: ['b', 'a'], ok: null };

/** Claims about descriptors that this release did not write, for a column of one type, with triggers and without. */
export function descriptorClaims(open: () => Promise<BulkHarness>, type: string, triggers = false): void {
  let t: BulkHarness;
  beforeAll(async () => {
    t = await open();
    if (type !== 'as made') await t.query(alteration(t.database, type));
  });
  afterAll(() => t?.close());

  const cell = async (slug: string) => {
    const [row] = await t.query(`SELECT file FROM contract_document WHERE slug = '${slug}'`);
    return (typeof row?.file === 'string' ? JSON.parse(row.file) : row?.file) as FileDescriptor;
  };
  const entry = async (id: string) =>
    (await t.query(`SELECT state, owner_pk AS pk, size, checksum FROM file_ledger WHERE id = '${id}'`))[0];
  /** A row whose descriptor is replaced by SQL. Resolves to what was written. */
  const rewritten = async (slug: string, members: object) => {
    const unit = t.unit();
    const row = await unit.insert({ slug, file: await t.files.stage(t.Document, 'file', `text of ${slug}`) });
    const text = JSON.stringify({ ...members, ...row.file!.toDescriptor(), ...members });
    await t.query(`UPDATE contract_document SET file = '${text}' WHERE slug = '${slug}'`);
    return JSON.parse(text) as FileDescriptor;
  };
  const loaded = async (slug: string, unit = t.unit()) => (await unit.find(slug)) as DocumentRow;

  it('keeps members of a later release when another column of the row is saved', async () => {
    const written = await rewritten('other-column', { ...later, width: 640, height: 480 });
    const unit = t.unit();
    const row = await loaded('other-column', unit);
    row.title = 'changed';
    await unit.save(row);
    expect(await cell('other-column')).toEqual(written);
    const again = await loaded('other-column');
    expect([again.title, again.file?.width, await again.file?.text()]).toEqual([
      'changed',
      640,
      'text of other-column',
    ]);
  });

  it('sends no UPDATE for a row that was inserted or loaded, loaded again, given the same file, and saved', async () => {
    const unit = t.unit();
    const staged = await t.files.stage(t.Document, 'file', 'fresh');
    const inserted = await unit.insert({ slug: 'fresh', file: staged });
    await rewritten('unchanged', { ...later, encryption: { z: 1, alg: 'x' } });
    const before = t.updates();
    await unit.save(inserted);
    await unit.save(await loaded('fresh', unit));
    await unit.save(await loaded('unchanged', unit));
    await unit.save(await loaded('unchanged', unit));
    const other = t.unit();
    const row = await loaded('fresh', other);
    row.file = staged;
    await other.save(row);
    expect(t.updates()).toBe(before);
  });

  it('keeps them when the file is written again, to another row', async () => {
    const written = await rewritten('from', later);
    const unit = t.unit();
    const from = await loaded('from', unit);
    const { file } = from;
    from.file = null;
    await unit.save(from);
    await unit.insert({ slug: 'to', file });
    expect(await cell('to')).toEqual(written);
    expect(await entry(written.id)).toMatchObject({ state: 'live' });
  });

  it('binds, releases and serves a file without hashes', async () => {
    const { id } = await rewritten('hashed', {});
    const { sha256, crc32, ...bare } = (await loaded('hashed')).file!.toDescriptor();
    expect([sha256, crc32]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{8}$/)]);
    await t.query(`UPDATE contract_document SET file = NULL WHERE slug = 'hashed'`);
    await t.query(`UPDATE contract_document SET file = '${JSON.stringify(bare)}' WHERE slug = 'hashed'`);
    const unit = t.unit();
    const row = await loaded('hashed', unit);
    expect([row.file!.sha256, row.file!.etag, await row.file!.text()]).toEqual([
      undefined,
      `"${id}"`,
      'text of hashed',
    ]);
    const { file } = row;
    row.file = null;
    await unit.save(row);
    expect(await entry(id)).toMatchObject({ state: 'released' });
    row.file = file;
    await unit.save(row);
    expect(await cell('hashed')).toEqual(bare);
    expect(await entry(id)).toMatchObject({ state: 'live', pk: String(row.id), checksum: null });
  });

  // Triggers do not let go of an entry that a row has.
  if (!triggers)
    it('records a file without hashes that the ledger does not know', async () => {
      const { id } = await rewritten('lost', {});
      const bare = { ...(await loaded('lost')).file!.toDescriptor(), sha256: undefined };
      await t.query(`UPDATE contract_document SET file = '${JSON.stringify(bare)}' WHERE slug = 'lost'`);
      await t.query(`DELETE FROM file_ledger WHERE id = '${id}'`);
      await t.files.reconcile({ repair: true });
      const recorded = await entry(id);
      expect([recorded?.state, Number(recorded?.size), recorded?.checksum]).toEqual(['live', bare.size, null]);
    });

  it('finds a row with an encrypted file, keeps its members, and refuses to read it', async () => {
    const written = await rewritten('secret', { encryption: { v: 9, alg: 'x', keys: [{ id: 'b', a: 1 }] } });
    const unit = t.unit();
    const row = await loaded('secret', unit);
    await expect(row.file!.text()).rejects.toMatchObject({ code: 'unsupported' });
    row.title = 'changed';
    await unit.save(row);
    expect(await cell('secret')).toEqual(written);
  });
}
