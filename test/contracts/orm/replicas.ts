import { setTimeout as delay } from 'node:timers/promises';
import { objectView, type Files, type ObjectViewOptions, type StoredFile } from 'filefield';
import { runView } from 'filefield/testing';
import type { CountingStorage } from '../../support/counting-storage.js';

/** A person who may read papers. */
export interface ReaderRow {
  id: number;
  name: string;
}

/** An entity whose files are copied when another row gets them. */
export interface PaperRow {
  id: number;
  title: string;
  reader: ReaderRow | null;
  file: StoredFile | null;
}

/**
 * An ORM with a primary and a replica: two databases with the same tables. Nothing is replicated, so that the test decides
 * what has arrived at the replica.
 */
export interface ReplicaHarness {
  readonly files: Files;
  readonly Paper: new () => PaperRow;
  readonly papers: CountingStorage;
  insert(values: Partial<PaperRow>): Promise<PaperRow>;
  /** Writes a row outside of a transaction, by a call whose hooks run. */
  insertAlone(values: { id: number; title: string; file: StoredFile }): Promise<unknown>;
  /** Reads through the ORM as it does by default. */
  count(): Promise<number>;
  primary(sql: string): Promise<readonly Record<string, unknown>[]>;
  replica(sql: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

const readers = `INSERT INTO reader (id, name) VALUES (1, 'ann'), (2, 'bob')`;

/** What reads the primary although the ORM sends its own reads to the replica. */
export function replicaClaims(open: () => Promise<ReplicaHarness>): void {
  let t: ReplicaHarness;
  beforeEach(async () => {
    t = await open();
    await t.primary(readers);
    await t.replica(readers);
  });
  afterEach(() => t?.close());

  const staged = (text: string) => t.files.stage(t.Paper, 'file', text);
  const inserted = async (text: string, values: Partial<PaperRow> = {}) =>
    t.insert({ title: '', file: await staged(text), ...values });
  /** What a replica has that is up to date with one row. */
  const copyToReplica = ({ id, file }: PaperRow, reader: number) => {
    const text = JSON.stringify(file!.toDescriptor());
    return t.replica(`INSERT INTO paper (id, title, reader_id, file) VALUES (${id}, '', ${reader}, '${text}')`);
  };
  const release = ({ file }: PaperRow) =>
    t.primary(`UPDATE file_ledger SET state = 'released', not_before = 0 WHERE id = '${file!.id}'`);
  const view = async (id: number, options: Partial<ObjectViewOptions<PaperRow, unknown>> = {}) => {
    const { status } = await runView(objectView(t.files, t.Paper, { field: 'file', ...options }), {
      params: { id: String(id) },
    });
    return status;
  };

  it('reads by default from the replica, which has nothing yet', async () => {
    await inserted('on the primary');
    expect(await t.count()).toBe(0);
  });

  it('serves a row that has not arrived at the replica, unless the view may read one', async () => {
    const { id } = await inserted('new');
    expect(await view(id)).toBe(200);
    expect(await view(id, { replica: false })).toBe(200);
    expect(await view(id, { replica: true })).toBe(404);
  });

  it('authorises against the row and relations of the primary, unless the view may read a replica', async () => {
    const paper = await inserted('for bob', { reader: { id: 2, name: 'bob' } });
    await copyToReplica(paper, 1);
    const relations = ['reader'] as const;
    const mayRead = (name: string) => ({
      relations,
      authorize: (_raw: unknown, row: PaperRow) => row.reader?.name === name,
    });
    expect(await view(paper.id, mayRead('bob'))).toBe(200);
    expect(await view(paper.id, mayRead('ann'))).toBe(404);
    expect(await view(paper.id, { ...mayRead('ann'), replica: true })).toBe(200);
    expect(await view(paper.id, { ...mayRead('bob'), replica: true })).toBe(404);
    expect(await view(paper.id, { where: () => ({ reader: { name: 'ann' } }) })).toBe(404);
  });

  it('keeps a file in a sweep whose row is only on the primary', async () => {
    const paper = await inserted('kept');
    await release(paper);
    expect(await t.files.sweep()).toMatchObject({ revived: 1, deleted: 0 });
    expect(await paper.file!.text()).toBe('kept');
  });

  it('deletes a file in a sweep whose row is only on the replica', async () => {
    const paper = await inserted('deleted');
    await copyToReplica(paper, 1);
    await t.primary(`DELETE FROM paper`);
    await release(paper);
    await delay(5);
    expect(await t.files.sweep()).toMatchObject({ revived: 0, deleted: 1 });
    expect(t.papers.keys).toEqual([]);
  });

  it('sweeps by the ledger of the primary', async () => {
    const paper = await inserted('live');
    const entry = `('${paper.file!.id}', 'papers', '${paper.file!.toDescriptor().key}', 'released', 0, 0)`;
    await t.replica(`INSERT INTO file_ledger (id, storage, object_key, state, not_before, created_at) VALUES ${entry}`);
    expect(await t.files.sweep()).toEqual({ expired: 0, revived: 0, deleted: 0, failed: 0, waiting: 0 });
    const staging = await staged('staged');
    await t.primary(`UPDATE file_ledger SET lease_until = 0 WHERE id = '${staging.id}'`);
    expect(await t.files.sweep()).toMatchObject({ expired: 1, deleted: 1 });
    expect(t.papers.keys).toEqual([paper.file!.toDescriptor().key]);
  });

  it('reconciles the rows and the ledger of the primary', async () => {
    const paper = await inserted('kept');
    expect(await t.files.reconcile({ repair: true })).toMatchObject({ unreferenced: [], missing: [], unrecorded: [] });
    await copyToReplica(paper, 1);
    await t.primary(`DELETE FROM paper`);
    expect((await t.files.reconcile()).unreferenced.map(({ id }) => id)).toEqual([paper.file!.id]);
    await t.primary(`DELETE FROM file_ledger`);
    expect((await t.files.reconcile({ from: { storage: 0, after: '' } })).unknown).toHaveLength(1);
  });

  it('finds on the primary that a file belongs to another row, and copies it', async () => {
    const one = await inserted('twice');
    const two = await t.insert({ title: '', file: one.file });
    expect(two.file!.id).not.toBe(one.file!.id);
    expect(await two.file!.text()).toBe('twice');
  });

  it('binds a file on the primary when its row is written outside of a transaction', async () => {
    const file = await staged('alone');
    await t.insertAlone({ id: 5, title: '', file });
    expect(await t.primary(`SELECT state FROM file_ledger WHERE id = '${file.id}'`)).toEqual([{ state: 'live' }]);
  });

  it('deletes the rows of the primary that match, and their files', async () => {
    const paper = await inserted('matched');
    await copyToReplica(paper, 1);
    await t.replica(`INSERT INTO paper (id, title) VALUES (77, 'drafts')`);
    await t.primary(`UPDATE paper SET title = 'drafts'`);
    expect(await t.files.deleteMany(t.Paper, { title: 'drafts' })).toBe(1);
    await delay(5);
    await t.files.sweep();
    expect(t.papers.keys).toEqual([]);
  });
}
