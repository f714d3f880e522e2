import type { StoredFile } from 'filefield';
import { attachFiles, createFileObjects, databaseStorage, dropFileObjects, FileField } from 'filefield/mikro-orm';
import { objectsClaims, type LeafletRow, type ObjectsSite } from '../contracts/orm/objects.js';
import { onDatabases, type DatabaseName } from '../support/databases.js';
import { legacy, major, openMikro } from '../support/mikro-orm.js';
import { unitOf } from '../support/mikro-site.js';

const { Entity, PrimaryKey } = legacy;

@Entity({ tableName: 'leaflet' })
class Leaflet implements LeafletRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @FileField({ storage: 'database' }) file!: StoredFile | null;
}

async function open(database: DatabaseName): Promise<ObjectsSite> {
  const mikro = await openMikro(database, [Leaflet]);
  const { orm } = mikro;
  await createFileObjects(orm);
  const storage = databaseStorage(orm);
  const files = await attachFiles(orm, { storages: { database: storage }, grace: 0, protection: 'off' });
  return {
    files,
    Entity: Leaflet,
    storage,
    other: (name) => databaseStorage(orm, { name }),
    unit: () => unitOf(mikro.em, Leaflet),
    query: (sql) =>
      sql.startsWith('SELECT')
        ? mikro.rows(sql)
        : orm.em
            .getConnection()
            .execute(sql, [], 'run')
            .then(() => []),
    selects: () => mikro.statements().filter((line) => /\] SELECT/.test(line)),
    drop: () => dropFileObjects(orm),
    create: () => createFileObjects(orm),
    close: mikro.close,
  };
}

await onDatabases(
  ['sqlite', 'postgres', 'mariadb'],
  `objects in a database, by MikroORM ${major} on %s`,
  (database) => {
    objectsClaims(database, () => open(database));
  },
);
