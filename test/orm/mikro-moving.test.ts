import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/mikro-orm';
import { movingClaims, parcel, type ParcelRow } from '../contracts/orm/moving.js';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major } from '../support/mikro-orm.js';
import { openMikroSite } from '../support/mikro-site.js';

const { Entity, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'parcel' })
class Parcel implements ParcelRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) title!: string;
  @FileField(parcel.content) content!: StoredFile | null;
  @FileField(parcel.label) label!: StoredFile | null;
}

describe.each(await reachableDatabases())(`files that are moved with MikroORM ${major} on %s`, (database) => {
  describe.each([false, true])('protected: %s', (protect) => {
    movingClaims((options) => openMikroSite(database, Parcel, options), { protect });
  });
});
