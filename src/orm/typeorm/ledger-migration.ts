import type { QueryRunner } from 'typeorm';
import { ledgerSchema } from '../../ledger/schema.js';
import { dialectOf } from './database.js';

/** Makes the ledger's tables: call it in the `up` of a migration. */
export async function createLedger(runner: QueryRunner): Promise<void> {
  for (const sql of ledgerSchema(dialectOf(runner.manager.connection)).create) await runner.query(sql);
}

/** Removes them: for the `down` of that migration. Stored files then have no record; delete them by hand. */
export async function dropLedger(runner: QueryRunner): Promise<void> {
  for (const sql of ledgerSchema(dialectOf(runner.manager.connection)).drop) await runner.query(sql);
}
