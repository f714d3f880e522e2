import { onDatabases } from '../support/databases.js';
import { sigkillClaims } from './sigkill-claims.js';

await onDatabases(['postgres', 'mariadb'], 'a process of TypeORM on %s that is killed', (database) => {
  // MariaDB differs only in its statements, so one step of each kind is enough.
  sigkillClaims('typeorm', database, database === 'mariadb' ? ['bound', 'before-commit', 'trashed'] : undefined);
});
