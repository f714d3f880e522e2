import { Migration } from '@mikro-orm/migrations';
import { fileTriggers } from 'filefield/mikro-orm';
import { grace } from '../../entities-example/grace.js';

/** Optional: with triggers the ledger also sees native updates, query builders and raw SQL, at once. */
export class FileTriggers extends Migration {
  override up(): void {
    for (const sql of fileTriggers(this.getEntityManager(), { grace: grace() }).create) this.addSql(sql);
  }

  override down(): void {
    for (const sql of fileTriggers(this.getEntityManager()).drop) this.addSql(sql);
  }
}
