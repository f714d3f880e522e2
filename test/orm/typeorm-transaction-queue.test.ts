import { setTimeout as delay } from 'node:timers/promises';
import { transactionQueue, type TransactionQueue } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, type DataSource } from 'typeorm';
import { openDataSource } from '../support/typeorm.js';

@Entity()
class Item {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') name!: string;
}

describe('transactionQueue on the one connection of SQLite', () => {
  let dataSource: DataSource;
  let close: () => Promise<void>;
  let transaction: TransactionQueue;
  beforeEach(async () => {
    ({ dataSource, close } = await openDataSource('sqlite', { entities: [Item] }));
    transaction = transactionQueue(dataSource);
  });
  afterEach(() => close());

  const save = (name: string, failure?: Error) =>
    transaction(async (manager) => {
      const { id } = await manager.save(Item, { name });
      await delay(5);
      if (failure) throw failure;
      return id;
    });
  const names = async () =>
    (await dataSource.getRepository(Item).find({ order: { id: 'ASC' } })).map(({ name }) => name);

  it('keeps the rows of the others when one of several transactions at once is rolled back', async () => {
    const failure = new Error('changed my mind');
    const results = await Promise.allSettled([save('one'), save('two', failure), save('three')]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: failure });
    expect(await names()).toEqual(['one', 'three']);
  });

  it('resolves to the result once the row is committed, also after a failure that nobody waited for', async () => {
    save('never', new Error('ignored')).catch(() => undefined);
    const id = await save('later');
    expect(await dataSource.query('SELECT id, name FROM item')).toEqual([{ id, name: 'later' }]);
  });
});
