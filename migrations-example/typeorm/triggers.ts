import { createFileTriggers, dropFileTriggers } from 'filefield/typeorm';
import { grace } from '../../entities-example/grace.js';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Optional: with triggers the ledger also sees bulk updates, query builders and raw SQL, at once. */
export class FileTriggers1763000002000 implements MigrationInterface {
  readonly name = 'FileTriggers1763000002000';

  up(runner: QueryRunner): Promise<void> {
    return createFileTriggers(runner, { grace: grace() });
  }

  down(runner: QueryRunner): Promise<void> {
    return dropFileTriggers(runner);
  }
}
