import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/mikro-orm';
import { poolClaims, type PosterRow } from '../contracts/orm/pool.js';
import { onDatabases } from '../support/databases.js';
import { legacy, major } from '../support/mikro-orm.js';
import { openMikroSite } from '../support/mikro-site.js';

const { Entity, PrimaryKey } = legacy;

@Entity({ tableName: 'poster' })
class Poster implements PosterRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'media', copies: 'copy' }) image!: StoredFile | null;
  @FileField({ storage: 'media' }) plain!: StoredFile | null;
}

await onDatabases(['postgres', 'mariadb'], `MikroORM ${major} on %s with a pool of 3 connections`, (database) => {
  poolClaims((options) => openMikroSite(database, Poster, options));
});
