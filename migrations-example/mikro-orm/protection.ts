import { Migration } from '@mikro-orm/migrations';
import { protectFiles, unprotectFiles } from 'filefield/mikro-orm';
import { grace } from '../../entities-example/grace.js';

/** Triggers record native updates, query builders and raw SQL in the ledger at once; an index makes sweeps fast. */
export class ProtectFiles extends Migration {
  override up = () => protectFiles(this, { grace: grace() });
  override down = () => unprotectFiles(this);
}
