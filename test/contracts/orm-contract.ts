import { expectInvariants, OrmContext, type OrmHarness } from './orm/context.js';
import { eraseClaims } from './orm/erase.js';
import { keepingClaims } from './orm/keeping.js';
import { rollbackClaims } from './orm/rollback.js';
import { scopesClaims } from './orm/scopes.js';
import { sightClaims } from './orm/sight.js';
import { stagedClaims } from './orm/staged.js';
import { sweepClaims } from './orm/sweep.js';
import { viewsClaims } from './orm/views.js';

export { times, type DocumentRow, type NewDocument, type OwnerRow, type OrmHarness, type Unit } from './orm/context.js';

/**
 * The claims that hold for every ORM, major and database. After each claim two invariants are checked: every committed
 * reference resolves to the right bytes; every object is referenced or scheduled for deletion.
 */
export function ormContract(open: () => Promise<OrmHarness>): void {
  let harness: OrmHarness;

  beforeAll(async () => {
    harness = await open();
  });
  afterAll(() => harness?.close());
  afterEach(() => expectInvariants(harness));

  // Claims are declared before the database is open; they use it only while they run.
  const context = new OrmContext(() => harness);
  keepingClaims(context);
  rollbackClaims(context);
  stagedClaims(context);
  sweepClaims(context);
  eraseClaims(context);
  viewsClaims(context);
  scopesClaims(context);
  sightClaims(context);
}
