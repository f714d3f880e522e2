import { MikroORM, type Options } from '@mikro-orm/core';
import { fileObjectTables, ledgerTables, type StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import {
  attachFiles,
  createFileObjects,
  FileField,
  protectFiles,
  unprotectFiles,
  withFiles,
} from 'filefield/mikro-orm';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major, openMikro, type OpenMikro } from '../support/mikro-orm.js';

const { Embeddable, Embedded, Entity, PrimaryKey, Property } = legacy;

@Embeddable()
class Place {
  @FileField({ storage: 'media' }) map!: StoredFile | null;
}

@Entity({ tableName: 'tooled' })
class Tooled {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', length: 50, index: true }) title = '';
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'media', column: 'of state' }) other!: StoredFile | null;
  @Embedded(() => Place) place!: Place;
}

/** The same table in the next release, without the index. */
@Entity({ tableName: 'tooled' })
class Next {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', length: 50 }) title = '';
  @Property({ type: 'string', length: 50, nullable: true }) note!: string | null;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'media', column: 'of state' }) other!: StoredFile | null;
  @Embedded(() => Place) place!: Place;
}

interface SchemaTools {
  getUpdateSchemaSQL(): Promise<string>;
  updateSchema?(): Promise<void>;
  update?(): Promise<void>;
}

const tools = (orm: MikroORM) => orm.schema as unknown as SchemaTools;
const changes = async (orm: MikroORM) =>
  (await tools(orm).getUpdateSchemaSQL())
    .split('\n')
    .filter(
      (line) => line.trim() !== '' && !/^(set (names|foreign_key_checks|session_repl)|pragma foreign_keys)/i.test(line),
    );
const update = (orm: MikroORM) => tools(orm).update?.() ?? tools(orm).updateSchema!();
const attached = (orm: MikroORM) =>
  attachFiles(orm, { storages: { media: new MemoryStorage() }, grace: 0, protection: 'off' });

/** Another instance on the same database, as the command line would load it. */
const again = ({ orm }: OpenMikro, entity: typeof Tooled | typeof Next, wrap = withFiles) => {
  const { driver, dbName, host, port, user, password } = orm.config.getAll() as unknown as Options;
  const address = { driver, dbName, host, port, user, password };
  return MikroORM.init(
    wrap({ ...address, entities: [entity], metadataProvider: legacy.ReflectMetadataProvider }) as Options,
  );
};

describe.each(await reachableDatabases())(
  `the schema tools of MikroORM ${major} on %s, after protectFiles`,
  (database) => {
    let open: OpenMikro;
    const opened: MikroORM[] = [];
    const load = async (...values: [typeof Tooled | typeof Next]) => {
      const orm = await again(open, ...values);
      opened.push(orm);
      return orm;
    };
    beforeAll(async () => {
      open = await openMikro(database, [Tooled]);
      await protectFiles(open.orm);
      await createFileObjects(open.orm);
    });
    afterEach(async () => {
      for (const orm of opened.splice(0)) await orm.close(true);
    });
    afterAll(() => open?.close());

    it('have nothing to migrate', async () => {
      expect(await changes(await load(Tooled))).toEqual([]);
    });

    it('keep the ledger, the objects, triggers, guard and index when they update the schema', async () => {
      const orm = await load(Tooled);
      await update(orm);
      expect((await attached(orm)).unprotected).toEqual([]);
      expect(await open.rows('SELECT id FROM file_ledger')).toEqual([]);
      expect(await open.rows('SELECT object_id FROM file_chunk')).toEqual([]);
    });

    it('still insert, load and update entities, which do not change', async () => {
      const orm = await load(Tooled);
      const files = await attached(orm);
      const em = orm.em.fork();
      const row = em.create(Tooled, {
        title: 'first',
        file: await files.stage(Tooled, 'file', 'kept'),
        other: null,
        place: { map: null },
      } as never);
      await em.persist(row).flush();
      row.title = 'changed';
      await em.flush();
      const found = await orm.em.fork().findOneOrFail(Tooled, { title: 'changed' });
      expect(
        Object.keys(found)
          .filter((key) => !key.startsWith('_'))
          .sort(),
      ).toEqual(['file', 'id', 'other', 'place', 'title']);
      expect(await found.file?.text()).toBe('kept');
      await orm.em.fork().nativeDelete(Tooled, { title: 'changed' });
    });

    it('have nothing to migrate after protectFiles ran again', async () => {
      const orm = await load(Tooled);
      await protectFiles(orm);
      expect(await changes(orm)).toEqual([]);
      await unprotectFiles(orm);
      expect((await attached(orm)).unprotected).toHaveLength(3);
      await protectFiles(orm);
      expect(await changes(orm)).toEqual([]);
    });

    it('migrate a later change, after which all is protected', async () => {
      const orm = await load(Next);
      const statements = await changes(orm);
      expect(statements.join(';')).toMatch(/alter table .*tooled.* add .*note/);
      expect(statements.join(';')).toMatch(/drop index .*tooled_title_index/);
      expect(statements.join(';')).not.toMatch(/file|state|map/);
      await update(orm);
      expect(await changes(orm)).toEqual([]);
      expect((await attached(orm)).unprotected).toEqual([]);
    });
  },
);

describe('withFiles around a configuration', () => {
  it('keeps the options and the hook of the application', async () => {
    const seen: unknown[] = [];
    const own = {
      dbName: 'shop',
      discovery: { warnWhenNoEntities: false, onMetadata: (metadata: unknown) => void seen.push(metadata) },
      schemaGenerator: { disableForeignKeys: false, skipTables: ['legacy'] },
    };
    const { dbName, discovery, schemaGenerator } = withFiles(own) as Options;
    expect([dbName, discovery?.warnWhenNoEntities, schemaGenerator?.disableForeignKeys]).toEqual([
      'shop',
      false,
      false,
    ]);
    expect(schemaGenerator?.skipTables).toEqual(['legacy', ...ledgerTables, ...fileObjectTables]);
    const metadata = {};
    await discovery?.onMetadata?.(metadata as never, { getSchemaHelper: () => undefined } as never);
    expect(seen).toEqual([metadata]);
  });
});
