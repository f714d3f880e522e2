import { reachableDatabases } from '../support/databases.js';
import { sigkillClaims } from './sigkill-claims.js';

const databases = await reachableDatabases();

describe.each(databases.filter((name) => name !== 'sqlite'))(
  'a process of TypeORM on %s that is killed',
  (database) => {
    // MariaDB differs only in its statements, so one step of each kind is enough.
    sigkillClaims('typeorm', database, database === 'mariadb' ? ['bound', 'before-commit', 'trashed'] : undefined);
  },
);
if (databases.length === 1) it.todo('needs PostgreSQL or MariaDB');
