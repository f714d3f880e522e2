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

/** Writes that wait until they are let through. */
function held() {
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

describe('the intents of uploads', () => {
  it('that run at once share a commit, and those that come meanwhile share the next', async () => {
    const { batches, gates, intents } = held();
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

  it('that come alone wait for nobody, also after a pause', async () => {
    const { batches, gates, intents } = held();
    for (const id of ['a', 'b']) {
      const added = intents.add(intent(id));
      await turn();
      gates.shift()!([id]);
      expect(await added).toBe(true);
    }
    expect(batches).toEqual([['a'], ['b']]);
  });

  it('are all told of a failure that was theirs, and no others', async () => {
    const { gates, intents } = held();
    const failed = Promise.allSettled(['a', 'b'].map((id) => intents.add(intent(id))));
    await turn();
    const next = intents.add(intent('c'));
    gates[0]!(new Error('no database'));
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    gates[1]!(['c']);
    expect(await next).toBe(true);
  });

  it('are so many to a statement as every database takes', async () => {
    const { batches, gates, intents } = held();
    const added = Promise.all(Array.from({ length: 250 }, (_one, index) => intents.add(intent(String(index)))));
    for (let done = 0; done < 3; done += 1) {
      await turn();
      gates[done]!(batches[done]!);
    }
    expect(await added).toHaveLength(250);
    expect(batches.map(({ length }) => length)).toEqual([100, 100, 50]);
  });
});

describe('the ledger', () => {
  const connection = (personal: boolean) => {
    const statements: string[] = [];
    const execute = async (statement: Sql): Promise<SqlResult> => {
      statements.push(statement.text());
      // Six values for each intent.
      return { rows: [], affected: statement.text().startsWith('INSERT') ? statement.values.length / 6 : 0 };
    };
    const made: LedgerConnection = { dialect: sqlite, personal, execute };
    return { made, statements };
  };

  it.each([
    [false, 1],
    [true, 8],
  ])('writes eight intents at once (personal: %s) in %d statements', async (personal, expected) => {
    const { made, statements } = connection(personal);
    const ledger = new RecordedLedger(made, new FileEvents());
    const ids = Array.from({ length: 8 }, (_one, index) => String(index));
    expect(await Promise.all(ids.map((id) => ledger.intend(intent(id))))).not.toContain(false);
    expect(statements).toHaveLength(expected);
  });

  it('writes an intent into a transaction by itself', async () => {
    const [own, transaction] = [connection(false), connection(false)];
    const ledger = new RecordedLedger(own.made, new FileEvents());
    await Promise.all(['a', 'b'].map((id) => ledger.intend(intent(id), transaction.made)));
    expect([own.statements.length, transaction.statements.length]).toEqual([0, 2]);
  });
});
