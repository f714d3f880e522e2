import { Migration } from '@mikro-orm/migrations';
import { createLedger, dropLedger } from 'filefield/mikro-orm';

/** The two tables of the ledger, which every application with file fields needs. */
export class Ledger extends Migration {
  override up = () => createLedger(this);
  override down = () => dropLedger(this);
}
