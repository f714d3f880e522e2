import { Migration } from '@mikro-orm/migrations';
import { protectFiles, unprotectFiles } from 'filefield/mikro-orm';
import { grace } from '../../entities-example/grace.js';

/** Optional: triggers record native updates, query builders and raw SQL in the ledger at once. */
export class FileTriggers extends Migration {
  override up = () => protectFiles(this, { grace: grace() });
  override down = () => unprotectFiles(this);
}
