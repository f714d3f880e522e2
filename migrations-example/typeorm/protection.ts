import { protectFiles, unprotectFiles } from 'filefield/typeorm';
import { grace } from '../../entities-example/grace.js';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Triggers record bulk updates, query builders and raw SQL in the ledger at once; an index makes sweeps fast. */
export class ProtectFiles1763000002000 implements MigrationInterface {
  readonly name = 'ProtectFiles1763000002000';

  up(runner: QueryRunner): Promise<void> {
    return protectFiles(runner, { grace: grace() });
  }

  down(runner: QueryRunner): Promise<void> {
    return unprotectFiles(runner);
  }
}
