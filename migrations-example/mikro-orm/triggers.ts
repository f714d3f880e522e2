import { Migration } from '@mikro-orm/migrations';
import { createFileTriggers, dropFileTriggers } from 'filefield/mikro-orm';
import { grace } from '../../entities-example/grace.js';

/** Optional: with triggers the ledger also sees native updates, query builders and raw SQL, at once. */
export class FileTriggers extends Migration {
  override up = () => createFileTriggers(this, { grace: grace() });
  override down = () => dropFileTriggers(this);
}
