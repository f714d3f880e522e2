import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/mikro-orm';
import { withoutLedgerClaims, type LeafletRow } from '../contracts/orm/without-ledger.js';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major } from '../support/mikro-orm.js';
import { openMikroSite } from '../support/mikro-site.js';

const { Entity, PrimaryKey } = legacy;

@Entity({ tableName: 'leaflet' })
class Leaflet implements LeafletRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())(`MikroORM ${major} without a ledger on %s`, (database) => {
  withoutLedgerClaims((options) => openMikroSite(database, Leaflet, options));
});
