import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/mikro-orm';
import { reconcileClaims, type SlotRow } from '../contracts/orm/reconcile.js';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major } from '../support/mikro-orm.js';
import { openMikroSite } from '../support/mikro-site.js';

const { Entity, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'slot' })
class Slot implements SlotRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) storage!: string;
  @Property({ type: 'string' }) state!: string;
  @FileField({ storage: 'media', column: 'slot' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())(`reconcile in MikroORM ${major} on %s`, (database) => {
  reconcileClaims((options) => openMikroSite(database, Slot, options));
});
