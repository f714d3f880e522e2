import { jest } from '@jest/globals';
import { stat } from 'node:fs/promises';
import { StorageRegistry } from 'filefield';
import { FileEvents } from '../../src/events.js';
import type { LedgerConnection, SqlResult } from '../../src/ledger/connection.js';
import { Intents, type Intent } from '../../src/ledger/intents.js';
import { sqlite } from '../../src/ledger/dialects/index.js';
import { RecordedLedger } from '../../src/ledger/recorded.js';
import type { Sql } from '../../src/ledger/sql.js';

const intent = (id: string): Intent => ({
  id,
  storage: 'letters',
  key: `key of ${id}`,
  owner: 'letter',
  slot: 'file',
});

/** Writes that wait until the test calls their gate. */
function gatedIntents() {
  const batches: string[][] = [];
  const gates: ((recorded: readonly string[] | Error) => void)[] = [];
  const intents = new Intents(
    (batch) =>
      new Promise((resolve, reject) => {
        batches.push(batch.map(({ id }) => id));
        gates.push((recorded) => (recorded instanceof Error ? reject(recorded) : resolve(new Set(recorded))));
      }),
  );
  /** Answers the statement of an index once it has begun. */
  const answer = async (index: number, recorded: readonly string[] | Error) => {
    for (let answers = 0; gates.length <= index; answers += 1) {
      if (answers === 1000) throw new Error('The statement does not begin.');
      // The disk answers without timers.
      await stat('.');
    }
    gates[index]!(recorded);
  };
  return { batches, answer, intents };
}

/** A turn of the event loop in which the process works. */
async function busyTurn(): Promise<void> {
  const until = performance.now() + 1;
  while (performance.now() < until) continue;
  await new Promise(setImmediate);
}

describe('Intents', () => {
  it('writes intents that arrive at once in one batch, and those that arrive meanwhile in the next', async () => {
    const { batches, answer, intents } = gatedIntents();
    const first = ['a', 'b'].map((id) => intents.add(intent(id)));
    while (batches.length === 0) await busyTurn();
    const later = ['c', 'd', 'e'].map((id) => intents.add(intent(id)));
    await answer(0, ['a', 'b']);
    expect(await Promise.all(first)).toEqual([true, true]);
    await answer(1, ['c', 'e']);
    expect(await Promise.all(later)).toEqual([true, false, true]);
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
  });

  it('writes intents together that arrive while the process has other work', async () => {
    const { batches, answer, intents } = gatedIntents();
    const added = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      added.push(intents.add(intent(id)));
      await busyTurn();
    }
    await answer(0, ['a', 'b', 'c', 'd']);
    await Promise.all(added);
    expect(batches).toEqual([['a', 'b', 'c', 'd']]);
  });

  it('writes intents together that arrive before a lull of the connection', async () => {
    const batches: string[][] = [];
    const write = async (batch: readonly Intent[]) => {
      batches.push(batch.map(({ id }) => id));
      return new Set(batches.flat());
    };
    let begin!: () => void;
    let waited!: () => void;
    const lull = new Promise<void>((resolve) => (begin = resolve));
    const waiting = new Promise<void>((resolve) => (waited = resolve));
    const intents = new Intents(write, () => (waited(), lull));
    const first = intents.add(intent('a'));
    await waiting;
    const second = intents.add(intent('b'));
    begin();
    expect(await Promise.all([first, second])).toEqual([true, true]);
    expect(batches).toEqual([['a', 'b']]);
  });

  it('writes an intent in a process that has other work all the time', async () => {
    const { batches, intents } = gatedIntents();
    void intents.add(intent('a'));
    for (let turns = 0; turns < 10; turns += 1) await busyTurn();
    expect(batches).toEqual([['a']]);
  });

  it('writes an intent while a test has replaced the timers', async () => {
    const { answer, intents } = gatedIntents();
    jest.useFakeTimers();
    try {
      const added = intents.add(intent('a'));
      await answer(0, ['a']);
      expect(await added).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });

  it('writes a single intent by itself, also after a pause', async () => {
    const { batches, answer, intents } = gatedIntents();
    for (const [index, id] of ['a', 'b'].entries()) {
      const added = intents.add(intent(id));
      await answer(index, [id]);
      expect(await added).toBe(true);
    }
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('rejects all intents of a batch that failed, and no others', async () => {
    const { batches, answer, intents } = gatedIntents();
    const failed = Promise.allSettled(['a', 'b'].map((id) => intents.add(intent(id))));
    while (batches.length === 0) await busyTurn();
    const next = intents.add(intent('c'));
    await answer(0, new Error('no database'));
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await answer(1, ['c']);
    expect(await next).toBe(true);
  });

  it('writes at most 100 intents in one batch', async () => {
    const { batches, answer, intents } = gatedIntents();
    const ids = Array.from({ length: 250 }, (_, index) => String(index));
    const added = Promise.all(ids.map((id) => intents.add(intent(id))));
    for (let index = 0; index < 3; index += 1) await answer(index, ids);
    expect(await added).toHaveLength(250);
    expect(batches.map(({ length }) => length)).toEqual([100, 100, 50]);
  });
});

describe('RecordedLedger', () => {
  const recordingConnection = (personal: boolean) => {
    const statements: string[] = [];
    const execute = async (statement: Sql): Promise<SqlResult> => {
      statements.push(statement.text());
      // Six values for each intent.
      return { rows: [], affected: statement.text().startsWith('INSERT') ? statement.values.length / 6 : 0 };
    };
    const connection: LedgerConnection = { dialect: sqlite, personal, execute };
    return { connection, statements };
  };

  it.each([
    [false, 1],
    [true, 8],
  ])(
    'writes eight intents at once, on a connection with personal: %s, in %d statements',
    async (personal, expected) => {
      const { connection, statements } = recordingConnection(personal);
      const ledger = new RecordedLedger(connection, new StorageRegistry({}), new FileEvents());
      const ids = Array.from({ length: 8 }, (_, index) => String(index));
      expect(await Promise.all(ids.map((id) => ledger.intend(intent(id))))).not.toContain(false);
      expect(statements).toHaveLength(expected);
    },
  );

  it('writes each intent of a transaction in its own statement', async () => {
    const [shared, transaction] = [recordingConnection(false), recordingConnection(false)];
    const ledger = new RecordedLedger(shared.connection, new StorageRegistry({}), new FileEvents());
    await Promise.all(['a', 'b'].map((id) => ledger.intend(intent(id), transaction.connection)));
    expect({ shared: shared.statements.length, transaction: transaction.statements.length }).toEqual({
      shared: 0,
      transaction: 2,
    });
  });
});
