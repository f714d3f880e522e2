import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn } from 'typeorm';
import { withoutLedgerClaims, type LeafletRow } from '../contracts/orm/without-ledger.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeormSite } from '../support/typeorm-site.js';

@Entity('leaflet')
class Leaflet implements LeafletRow {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())('TypeORM without a ledger on %s', (database) => {
  withoutLedgerClaims((options) => openTypeormSite(database, Leaflet, options));
});
