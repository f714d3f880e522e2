import { sigkillClaims } from './sigkill-claims.js';

describe('a process of TypeORM on SQLite that is killed', () => {
  sigkillClaims('typeorm', 'sqlite');
});
