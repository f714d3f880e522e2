import 'reflect-metadata';
import type { StoredFile } from 'filefield';
import { FileField } from 'filefield/typeorm';
import { Entity, PrimaryGeneratedColumn } from 'typeorm';
import { poolClaims, type PosterRow } from '../contracts/orm/pool.js';
import { onDatabases } from '../support/databases.js';
import { openTypeormSite } from '../support/typeorm-site.js';

@Entity('poster')
class Poster implements PosterRow {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media', copies: 'copy' }) image!: StoredFile | null;
  @FileField({ storage: 'media' }) plain!: StoredFile | null;
}

await onDatabases(['postgres', 'mariadb'], 'TypeORM on %s with a pool of 3 connections', (database) => {
  poolClaims((options) => openTypeormSite(database, Poster, options));
});
