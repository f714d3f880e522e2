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

// With one connection, a query leaves it to the next one as it is.
await onDatabases(['postgres', 'mariadb'], 'a transaction on %s that TypeORM has left open', (database) => {
  it.each(['READ WRITE', 'READ ONLY'])('(%s) takes no statement of the ledger along', async (mode) => {
    const { files, query, close } = await openTypeormSite(database, Poster, { poolSize: 1 });
    try {
      // The first upload also asks who the ledger is.
      await files.stage(Poster, 'plain', 'first');
      await query(`START TRANSACTION ${mode}`);
      if (mode === 'READ WRITE') await query('INSERT INTO poster (id) VALUES (77)');
      const { id } = await files.stage(Poster, 'plain', 'new');
      await query('ROLLBACK');
      expect(await query(`SELECT state FROM file_ledger WHERE id = '${id}'`)).toEqual([{ state: 'pending' }]);
      expect(await query('SELECT id FROM poster')).toEqual([]);
    } finally {
      await close();
    }
  });
});
