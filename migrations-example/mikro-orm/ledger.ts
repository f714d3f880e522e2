import { Migration } from '@mikro-orm/migrations';
import { ledgerSchema } from 'filefield';

/** The ledger's two tables: what every application with file fields needs. */
export class Ledger extends Migration {
  override up(): void {
    for (const sql of ledgerSchema('sqlite').create) this.addSql(sql);
  }

  override down(): void {
    for (const sql of ledgerSchema('sqlite').drop) this.addSql(sql);
  }
}
