import { reachableDatabases } from '../support/databases.js';
import { sigkillClaims } from './sigkill-claims.js';

const found = await reachableDatabases();

describe.each(found.filter((name) => name !== 'sqlite'))('a process of TypeORM on %s that is killed', (database) => {
  // MariaDB differs in its statements only: once around is enough.
  sigkillClaims('typeorm', database, database === 'mariadb' ? ['bound', 'before-commit', 'trashed'] : undefined);
});
if (found.length === 1) it.todo('needs PostgreSQL or MariaDB');
