import { causes, retried } from '../../src/ledger/connection.js';

/** Work that fails so many times with the error, and the number of its calls. */
function failing(times: number, error: unknown) {
  const work = async () => {
    calls.count += 1;
    if (calls.count <= times) throw error;
    return 'done';
  };
  const calls = { count: 0, run: () => retried(work) };
  return calls;
}

describe('a statement that the database undid', () => {
  const busy = { code: 'SQLITE_BUSY' };

  it('is tried ten times, and no more', async () => {
    const enough = failing(9, busy);
    expect(await enough.run()).toBe('done');
    expect(enough.count).toBe(10);
    const tooMany = failing(10, busy);
    await expect(tooMany.run()).rejects.toBe(busy);
    expect(tooMany.count).toBe(10);
  });

  it.each(['40P01', '40001', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'SQLITE_BUSY', 'SQLITE_LOCKED'])(
    'is tried again with the code %s, however the ORM wraps it',
    async (code) => {
      for (const error of [
        { code },
        { cause: { code } },
        { driverError: { code } },
        { code: 'OTHER', cause: { driverError: { cause: { driverError: { code } } } } },
      ]) {
        expect(await failing(1, error).run()).toBe('done');
      }
    },
  );

  it.each([
    ['another code', { code: '23505' }],
    ['no code', new Error('SQLITE_BUSY')],
    ['the code of something else', { detail: busy }],
    ['no object', 'SQLITE_BUSY'],
  ])('is not tried again with %s', async (_, error) => {
    const work = failing(1, error);
    await expect(work.run()).rejects.toBe(error);
    expect(work.count).toBe(1);
  });
});

describe('the errors inside an error', () => {
  it('are found in both members, five levels deep', () => {
    const wrap = (levels: number): object => (levels === 0 ? { level: 0 } : { cause: wrap(levels - 1) });
    expect(causes(wrap(4))).toHaveLength(5);
    expect(causes(wrap(9))).toHaveLength(5);
    const both = { driverError: { name: 'driver' }, cause: { name: 'cause' } };
    expect(causes(both)).toEqual([both, both.driverError, both.cause]);
  });

  it('end where an error is its own cause', () => {
    const error: { cause?: unknown } = {};
    error.cause = error;
    expect(causes(error)).toHaveLength(5);
    expect([causes(null), causes('text'), causes(undefined)]).toEqual([[], [], []]);
  });
});
