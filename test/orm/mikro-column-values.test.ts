import type { StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { MemoryStorage } from 'filefield/storages/memory';
import { columnValueClaims, sample, type Sample } from '../contracts/orm/column-values.js';
import { reachableDatabases, type DatabaseName } from '../support/databases.js';
import { legacy, major, openMikro, type OpenMikro } from '../support/mikro-orm.js';

const { Entity, Enum, PrimaryKey, Property } = legacy;

/** An entity with the types of a database. An enum of PostgreSQL refuses other values in a condition too. */
function entityFor(database: DatabaseName) {
  const isNative = database === 'postgres';
  @Entity()
  class ValueSample implements Sample {
    @PrimaryKey({ type: 'integer' }) id!: number;
    @Property({ type: 'date' }) day!: string;
    @Property({ type: 'datetime' }) moment!: Date;
    @Property({ type: 'decimal', precision: 10, scale: 2 }) amount!: string;
    @Property({ type: 'float' }) ratio!: number;
    @Property({ type: 'boolean' }) flag!: boolean;
    @Enum({ items: ['dark red', 'blue'], ...(isNative && { nativeEnumName: 'shade' }) }) colour!: string;
    @Property({ type: 'smallint' }) small!: number;
    @Property({ type: 'uuid' }) key!: string;
    @FileField({ storage: 'files' }) file!: StoredFile | null;
  }
  return ValueSample;
}

describe.each(await reachableDatabases())(`a value from a URL in MikroORM ${major} on %s`, (database) => {
  let open: OpenMikro | undefined;
  afterAll(() => open?.close());

  columnValueClaims(async () => {
    const entity = entityFor(database);
    open = await openMikro(database, [entity]);
    const files = await attachFiles(open.orm, { storages: { files: new MemoryStorage() }, protection: 'off' });
    const em = open.orm.em.fork();
    const row = em.create(entity, {
      ...sample,
      file: await files.stage(entity, 'file', 'bytes'),
    } as Sample);
    await em.persist(row).flush();
    return { files, entity };
  });
});
