import 'reflect-metadata';
import { isFileFieldError, type SigningKey } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import {
  attachFiles,
  createLedger,
  FileField,
  type AttachOptions,
  type Files,
  type StoredFile,
} from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { reachableDatabases } from '../support/databases.js';
import { openDataSource } from '../support/typeorm.js';

const checked: string[] = [];

@Entity('ticket_draft')
class Draft {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) title!: string;
  @FileField({ storage: 'drafts' }) file!: StoredFile | null;
  @FileField({ storage: 'drafts', accept: ['image/*'], maxSize: 1000 }) image!: StoredFile | null;
  @FileField({
    storage: 'drafts',
    check: ({ name, head }) => {
      checked.push(`${name}: ${Buffer.from(head).toString()}`);
      return name.startsWith('bad') ? 'bad name' : undefined;
    },
  })
  judged!: StoredFile | null;
  @FileField({ storage: 'other' }) elsewhere!: StoredFile | null;
}

const key = (id: string): SigningKey => ({ id, secret: `the secret of the key ${id}, which is long enough` });
const ann = { for: 'ann' };
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'redeemed',
    (error: unknown) => (isFileFieldError(error) ? error.code : String(error)),
  );

describe.each(await reachableDatabases())('a ticket on %s', (database) => {
  let dataSource: DataSource;
  let close: () => Promise<void>;
  let files: Files;
  const storages = { drafts: new MemoryStorage(), other: new MemoryStorage() };

  const attach = async (options: Partial<AttachOptions>) => {
    if (dataSource.isInitialized) dataSource.subscribers.length = 0;
    return attachFiles(dataSource, { storages, protection: 'off', ...options });
  };
  beforeAll(async () => {
    ({ dataSource, close } = await openDataSource(database, { entities: [Draft] }));
    await createLedger(dataSource);
    files = await attach({ ticketKeys: [key('b'), key('a')] });
  });
  afterAll(() => close());

  const staged = (name = 'plan.txt', content = 'the plan') => files.stage(Draft, 'file', content, { name });
  const save = (values: Partial<Draft>) => dataSource.getRepository(Draft).save(Object.assign(new Draft(), values));

  it('stands for the staged file, which a row can be saved with', async () => {
    const file = await staged();
    const ticket = await files.ticket(file, ann);
    const redeemed = await files.redeem(Draft, 'file', ticket, ann);
    expect(redeemed.toDescriptor()).toEqual(file.toDescriptor());
    const { id } = await save({ file: redeemed });
    const row = await dataSource.getRepository(Draft).findOneByOrFail({ id });
    expect([row.file?.name, await row.file?.text()]).toEqual(['plan.txt', 'the plan']);
  });

  it('shows a client no storage and no key', async () => {
    const file = await staged();
    const ticket = await files.ticket(file, ann);
    expect(ticket).toMatch(/^[\w.~-]+$/);
    const text = Buffer.from(ticket.split('~')[1]!, 'base64url').toString();
    expect(text).toContain('plan.txt');
    for (const secret of [file.toDescriptor().key, 'drafts', 'ann']) expect(text).not.toContain(secret);
  });

  it('can be redeemed again until a row has the file, and by one row only', async () => {
    const ticket = await files.ticket(await staged(), ann);
    const [first, second] = [
      await files.redeem(Draft, 'file', ticket, ann),
      await files.redeem(Draft, 'file', ticket, ann),
    ];
    await save({ file: first });
    await expect(save({ file: second })).rejects.toMatchObject({ code: 'already_bound' });
    await expect(files.redeem(Draft, 'file', ticket, ann)).rejects.toMatchObject({ code: 'already_bound' });
    await expect(files.ticket(first, ann)).rejects.toMatchObject({ code: 'already_bound' });
  });

  it('is refused for somebody else, and after any change', async () => {
    const ticket = await files.ticket(await staged(), ann);
    expect(await codeOf(files.redeem(Draft, 'file', ticket, { for: 'bob' }))).toBe('forbidden');
    const [id, text, signature] = ticket.split('~') as [string, string, string];
    const content = JSON.parse(Buffer.from(text, 'base64url').toString()) as { file: object };
    const forged = (changes: object) =>
      Buffer.from(JSON.stringify({ ...content, file: { ...content.file, ...changes } })).toString('base64url');
    const changed = [
      '',
      'a ticket',
      ticket.slice(0, -1),
      `${ticket}A`,
      ` ${ticket}`,
      `${ticket}\n`,
      [id, forged({ type: 'text/html' }), signature].join('~'),
      [id, forged({ name: 'x' }), signature].join('~'),
      ['a', text, signature].join('~'),
      ['c', text, signature].join('~'),
      undefined,
      { ticket },
    ];
    for (const one of changed) expect(await codeOf(files.redeem(Draft, 'file', one as string, ann))).toBe('forbidden');
    expect(await codeOf(files.redeem(Draft, 'file', ticket, ann))).toBe('redeemed');
  });

  it('is verified with every key and signed with the first', async () => {
    const old = (await attach({ ticketKeys: [key('a')] })) as Files;
    const ticket = await old.ticket(await staged(), ann);
    expect(ticket).toMatch(/^a~/);
    files = await attach({ ticketKeys: [key('b'), key('a')] });
    expect(await codeOf(files.redeem(Draft, 'file', ticket, ann))).toBe('redeemed');
    expect(await files.ticket(await staged(), ann)).toMatch(/^b~/);
  });

  it('ends with the lease', async () => {
    const file = await staged();
    const ticket = await files.ticket(file, ann);
    await files.discard(file);
    await files.sweep();
    await expect(files.redeem(Draft, 'file', ticket, ann)).rejects.toMatchObject({ code: 'staged_expired' });
    await expect(files.ticket(file, ann)).rejects.toMatchObject({ code: 'staged_expired' });
  });

  it('renews the lease when it is made and when it is redeemed', async () => {
    const file = await staged();
    const ending = `UPDATE file_ledger SET lease_until = lease_until - 1700000 WHERE id = '${file.id}'`;
    const lease = async () => {
      const [row] = await dataSource.query<{ lease: unknown }[]>(
        `SELECT lease_until AS lease FROM file_ledger WHERE id = '${file.id}'`,
      );
      return Number(row?.lease);
    };
    const full = await lease();
    await dataSource.query(ending);
    const ticket = await files.ticket(file, ann);
    expect(await lease()).toBeGreaterThanOrEqual(full);
    await dataSource.query(ending);
    await files.redeem(Draft, 'file', ticket, ann);
    expect(await lease()).toBeGreaterThanOrEqual(full);
  });

  it('applies the rules of another field again', async () => {
    const redeem = async (field: 'image' | 'judged' | 'elsewhere', name: string, content: string) =>
      codeOf(files.redeem(Draft, field, await files.ticket(await staged(name, content), ann), ann));
    checked.length = 0;
    expect(await redeem('image', 'a.png', 'text')).toBe('wrong_type');
    expect(await redeem('image', 'a.gif', `GIF89a${'\0'.repeat(2000)}`)).toBe('too_large');
    expect(await redeem('judged', 'bad.txt', 'x')).toBe('rejected');
    expect(await redeem('judged', 'good.txt', 'the bytes')).toBe('redeemed');
    expect(checked).toEqual(['bad.txt: x', 'good.txt: the bytes']);
    expect(await redeem('elsewhere', 'a.txt', 'x')).toBe('invalid_value');
  });

  it('does not run the check of its own field a second time', async () => {
    checked.length = 0;
    const file = await files.stage(Draft, 'judged', 'once', { name: 'good.txt' });
    expect(await codeOf(files.redeem(Draft, 'judged', await files.ticket(file, ann), ann))).toBe('redeemed');
    expect(checked).toEqual(['good.txt: once']);
  });

  it('needs somebody to be for, and keys', async () => {
    const file = await staged();
    for (const bound of ['', undefined, 7]) {
      expect(await codeOf(files.ticket(file, { for: bound as string }))).toBe('invalid_option');
    }
    const without = await attach({});
    expect(await codeOf(without.ticket(file, ann))).toBe('invalid_option');
    await expect(attach({ ticketKeys: [] })).rejects.toMatchObject({ code: 'invalid_option' });
    await expect(attach({ ticketKeys: [{ id: 'a', secret: 'short' }] })).rejects.toMatchObject({
      code: 'invalid_option',
    });
    files = await attach({ ticketKeys: [key('b'), key('a')] });
  });
});
