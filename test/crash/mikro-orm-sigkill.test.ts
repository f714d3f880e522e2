import { reachableDatabases } from '../support/databases.js';
import { sigkillClaims } from './sigkill-claims.js';

const database = (await reachableDatabases()).includes('postgres') ? 'postgres' : 'sqlite';

// Only the steps inside a transaction: how row and ledger entry get into one transaction differs from TypeORM.
describe(`a process of MikroORM on ${database} that is killed`, () => {
  sigkillClaims('mikro-orm', database, ['stored', 'bound', 'released', 'before-commit', 'after-commit']);
});
