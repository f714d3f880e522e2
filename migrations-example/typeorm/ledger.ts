import { createLedger, dropLedger } from 'filefield/typeorm';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The two tables of the ledger, which every application with file fields needs. */
export class Ledger1763000000000 implements MigrationInterface {
  readonly name = 'Ledger1763000000000';

  up(runner: QueryRunner): Promise<void> {
    return createLedger(runner);
  }

  down(runner: QueryRunner): Promise<void> {
    return dropLedger(runner);
  }
}
