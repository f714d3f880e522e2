import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/typeorm';
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { movingClaims, parcel, type ParcelRow } from '../contracts/orm/moving.js';
import { reachableDatabases } from '../support/databases.js';
import { openTypeormSite } from '../support/typeorm-site.js';

@Entity('parcel')
class Parcel implements ParcelRow {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar') title!: string;
  @FileField(parcel.content) content!: StoredFile | null;
  @FileField(parcel.label) label!: StoredFile | null;
}

describe.each(await reachableDatabases())('files that are moved with TypeORM on %s', (database) => {
  describe.each([false, true])('protected: %s', (protect) => {
    movingClaims((options) => openTypeormSite(database, Parcel, options), { protect });
  });
});
