import 'reflect-metadata';
import { isFileFieldError, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { createDatabase, reachableDatabases, type DatabaseName } from '../support/databases.js';

@Entity()
class Poster {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) title!: string;
  @FileField({ storage: 'media', copies: 'copy' }) image!: StoredFile | null;
  @FileField({ storage: 'media' }) plain!: StoredFile | null;
}

const poolSize = 3;

async function open(database: Exclude<DatabaseName, 'sqlite'>) {
  const { name, host, port, user, drop } = await createDatabase(database, '');
  const dataSource = await new DataSource({
    type: database,
    ...{
      host: host!,
      port: port!,
      username: user!,
      password: '',
      database: name,
      entities: [Poster],
      synchronize: true,
    },
    ...(database === 'postgres' ? { extra: { max: poolSize } } : { extra: { connectionLimit: poolSize } }),
  }).initialize();
  const runner = dataSource.createQueryRunner();
  await createLedger(runner);
  await runner.release();
  const media = new MemoryStorage();
  const files = await attachFiles(dataSource, { storages: { media }, grace: 0 });
  const close = async () => {
    await dataSource.destroy();
    await drop();
  };
  return { dataSource, files, media, close };
}

const servers = (await reachableDatabases()).filter((name) => name !== 'sqlite');

describe.each(servers)('TypeORM on %s with a pool of 3 connections', (database) => {
  let site: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    site = await open(database);
  });
  afterAll(() => site?.close());

  const stage = (text: string) => site.files.stage(Poster, 'image', text);
  const posters = () => site.dataSource.getRepository(Poster);

  it('saves more new files at once than the pool has connections, with copies: copy', async () => {
    const staged = await Promise.all(Array.from({ length: 4 * poolSize }, (_, index) => stage(`new ${index}`)));
    const saved = await Promise.all(staged.map((image) => posters().save(posters().create({ image }))));
    expect(saved.map(({ image }) => image?.id)).toEqual(staged.map(({ id }) => id));
  });

  it('refuses a file that another transaction has bound since this one began to read', async () => {
    const plain = await site.files.stage(Poster, 'plain', 'wanted');
    const late = site.dataSource.transaction(async (manager) => {
      // The snapshot of MariaDB's REPEATABLE READ: here the file is still staged.
      await manager.query('SELECT state FROM file_ledger');
      await posters().save(posters().create({ plain }));
      await manager.save(manager.create(Poster, { plain }));
    });
    await expect(late).rejects.toMatchObject({ code: 'already_bound' });
  });

  it('copies the file of one row for more rows at once than the pool has connections', async () => {
    const first = await posters().save(posters().create({ image: await stage('common') }));
    const copies = await Promise.all(
      Array.from({ length: 4 * poolSize }, () => posters().save(posters().create({ image: first.image }))),
    );
    const ids = new Set([first, ...copies].map(({ image }) => image?.id));
    expect(ids.size).toBe(4 * poolSize + 1);
    for (const { id } of copies) {
      expect(await (await posters().findOneByOrFail({ id })).image?.text()).toBe('common');
    }
  });

  it('rejects with busy when every connection is in a transaction that stages', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: poolSize }, () =>
        site.dataSource.transaction(async (manager) => {
          await manager.query('SELECT 1');
          await stage('inside');
        }),
      ),
    );
    const reasons = results.map((result) => (result.status === 'rejected' ? (result.reason as unknown) : undefined));
    expect(reasons.some((reason) => isFileFieldError(reason, 'busy'))).toBe(true);
    // All connections of the pool can be used again.
    const again = await Promise.all(Array.from({ length: poolSize }, () => site.dataSource.query('SELECT 1 AS one')));
    expect(again).toHaveLength(poolSize);
    expect(await stage('after')).toMatchObject({ size: 5 });
  }, 30_000);

  it('discards a file inside the transaction that has saved it', async () => {
    const image = await stage('given up');
    await expect(
      site.dataSource.transaction(async (manager) => {
        await manager.save(manager.create(Poster, { image }));
        await site.files.discard(image);
        throw new Error('the application changed its mind');
      }),
    ).rejects.toThrow('changed its mind');
    await site.files.discard(image);
    expect(await site.files.sweep()).toMatchObject({ expired: 1 });
  });

  it('deletes other files while a transaction holds one whose lease has ended', async () => {
    const held = await stage('held');
    const others = [await stage('one'), await stage('two')];
    const ids = [held, ...others].map(({ id }) => `'${id}'`).join(', ');
    await site.files.sweep();
    await site.dataSource.query(`UPDATE file_ledger SET lease_until = 0 WHERE id IN (${ids})`);
    await site.dataSource.transaction(async (manager) => {
      await manager.save(manager.create(Poster, { image: held }));
      expect(await site.files.sweep()).toMatchObject({ expired: others.length });
    });
    await site.files.sweep();
    expect(await held.text()).toBe('held');
  });
});
