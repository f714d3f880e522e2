import { reachableDatabases } from '../support/databases.js';
import { sigkillClaims } from './sigkill-claims.js';

const database = (await reachableDatabases()).includes('postgres') ? 'postgres' : 'sqlite';

// What differs from TypeORM is how a row and its ledger entry get into one transaction, so the moments inside of it.
describe(`a process of MikroORM on ${database} that is killed`, () => {
  sigkillClaims('mikro-orm', database, ['stored', 'bound', 'released', 'before-commit', 'after-commit']);
});
