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
  return { batches, gates, intents };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Intents', () => {
  it('writes intents that arrive at once in one batch, and those that arrive meanwhile in the next', async () => {
    const { batches, gates, intents } = gatedIntents();
    const first = ['a', 'b'].map((id) => intents.add(intent(id)));
    await turn();
    const later = ['c', 'd', 'e'].map((id) => intents.add(intent(id)));
    await turn();
    expect(batches).toEqual([['a', 'b']]);
    gates[0]!(['a', 'b']);
    expect(await Promise.all(first)).toEqual([true, true]);
    await turn();
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    gates[1]!(['c', 'e']);
    expect(await Promise.all(later)).toEqual([true, false, true]);
  });

  it('writes a single intent without waiting, also after a pause', async () => {
    const { batches, gates, intents } = gatedIntents();
    for (const id of ['a', 'b']) {
      const added = intents.add(intent(id));
      await turn();
      gates.shift()!([id]);
      expect(await added).toBe(true);
    }
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('rejects all intents of a batch that failed, and no others', async () => {
    const { gates, intents } = gatedIntents();
    const failed = Promise.allSettled(['a', 'b'].map((id) => intents.add(intent(id))));
    await turn();
    const next = intents.add(intent('c'));
    gates[0]!(new Error('no database'));
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    gates[1]!(['c']);
    expect(await next).toBe(true);
  });

  it('writes at most 100 intents in one batch', async () => {
    const { batches, gates, intents } = gatedIntents();
    const added = Promise.all(Array.from({ length: 250 }, (_, index) => intents.add(intent(String(index)))));
    for (let done = 0; done < 3; done += 1) {
      await turn();
      gates[done]!(batches[done]!);
    }
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
