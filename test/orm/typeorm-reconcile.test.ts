import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { reconcileClaims, type SlotRow } from '../contracts/orm/reconcile.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeormSite } from '../support/typeorm-site.js';

@Entity('slot')
class Slot implements SlotRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') storage!: string;
  @Column('varchar') state!: string;
  @FileField({ storage: 'media', column: 'slot' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())('reconcile in TypeORM on %s', (database) => {
  reconcileClaims((options) => openTypeormSite(database, Slot, options));
});
