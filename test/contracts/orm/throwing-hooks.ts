import { setTimeout as delay } from 'node:timers/promises';
import { openServer, type DatabaseName } from '../../support/databases.js';
import { expectInvariants, OrmContext, type OrmHarness, type Unit } from './context.js';

const hooks = [
  'beforeTransactionStart',
  'afterTransactionStart',
  'beforeTransactionCommit',
  'afterTransactionCommit',
  'beforeTransactionRollback',
  'afterTransactionRollback',
] as const;
export type TransactionHook = (typeof hooks)[number];

export interface HookedHarness extends OrmHarness {
  /** Adds a subscriber of the application; the result removes it. */
  hook(name: TransactionHook, action: () => void): () => void;
  /** Ends a transaction that was left open on a shared connection. */
  recover(): Promise<void>;
}

/**
 * A subscriber of the application throws. The result differs between ORMs and majors: the transaction is committed, rolled
 * back, or left open. In each case rows and files must agree afterwards.
 */
export function throwingHookClaims(database: DatabaseName, open: () => Promise<HookedHarness>): void {
  let harness: HookedHarness;
  beforeAll(async () => {
    harness = await open();
  });
  afterAll(() => harness?.close());
  const t = new OrmContext(() => harness);

  const places = ['root', 'savepoint', 'savepoint whose error is caught'] as const;
  it.each(hooks.flatMap((hook) => places.map((place) => [hook, place] as const)))(
    'keeps rows and files consistent when it throws in %s of a %s',
    async (hook, place) => {
      const slug = `${hook} ${place}`;
      await t.inserted(slug, 'old');
      await t.inserted(`${slug} 2`, 'removed');
      const [file, other] = [await t.stage('new'), await t.stage('other')];
      let armed = false;
      const unhook = harness.hook(hook, () => {
        if (!armed) return;
        armed = false;
        throw new Error('the subscriber failed');
      });
      const change = async (unit: Unit) => {
        const row = (await unit.find(slug))!;
        row.file = file;
        await unit.save(row);
        await unit.insert({ slug: `${slug} 3`, file: other });
        await unit.remove((await unit.find(`${slug} 2`))!);
        if (hook.includes('Rollback')) throw new Error('changed my mind');
      };
      const nested = async (outer: Unit) => {
        armed = true;
        const inner = outer.transaction(change);
        await (place === 'savepoint' ? inner : inner.catch(() => undefined));
      };
      armed = place === 'root';
      await harness
        .unit()
        .transaction(place === 'root' ? change : nested)
        .catch(() => undefined);
      unhook();
      await harness.recover();

      // A file staged now must be recorded outside a transaction that was left open, which its connection would take along.
      const probe = await t.stage('probe');
      await endOpenTransactions(database, harness);
      const recorded = await harness.query(`SELECT state FROM file_ledger WHERE id = '${probe.id}'`);
      expect(recorded.map((row) => row.state)).toEqual(['pending']);
      expect(['old', 'new']).toContain(await t.textOf(slug));
      await t.sweepAll();
      await expectInvariants(harness);
    },
  );
}

/** Ends open transactions, as the end of their process would, from a connection beside the application's. */
async function endOpenTransactions(database: DatabaseName, { query }: OrmHarness): Promise<void> {
  if (database !== 'postgres') return;
  const [{ name } = { name: '' }] = await query('SELECT current_database() AS name');
  const admin = await openServer('postgres');
  await admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${String(name)}' AND state LIKE 'idle in%'`,
  );
  await admin.destroy();
  await delay(50);
}
