import { Migration } from '@mikro-orm/migrations';
import { createFileTriggers, dropFileTriggers } from 'filefield/mikro-orm';
import { grace } from '../../entities-example/grace.js';

/** Optional: triggers record native updates, query builders and raw SQL in the ledger at once. */
export class FileTriggers extends Migration {
  override up = () => createFileTriggers(this, { grace: grace() });
  override down = () => dropFileTriggers(this);
}
