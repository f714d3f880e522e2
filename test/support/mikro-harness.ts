import type { EntityManager } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sqlite';
import { StorageRegistry, type StoredFile } from 'filefield';
import { attachFiles, FileField, protectFiles, type EntityProtectionOptions } from 'filefield/mikro-orm';
import { times, type DocumentRow, type OwnerRow, type Unit } from '../contracts/orm-contract.js';
import type { BulkHarness } from '../contracts/orm/bulk.js';
import type { HookedHarness } from '../contracts/orm/throwing-hooks.js';
import { CountingStorage } from './counting-storage.js';
import type { DatabaseName } from './databases.js';
import { legacy, openMikro } from './mikro-orm.js';

const { Entity, ManyToOne, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'contract_owner' })
export class Owner implements OwnerRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) name!: string;
  @Property({ type: 'string' }) tenant!: string;
}

@Entity({ tableName: 'contract_document' })
export class Document implements DocumentRow {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string', length: 100, unique: true }) slug!: string;
  @Property({ type: 'string' }) title = '';
  @FileField({ storage: 'documents' }) file!: StoredFile | null;
  @FileField({ storage: 'covers', column: 'cover_file' }) cover!: StoredFile | null;
  @ManyToOne(() => Owner, { nullable: true }) owner!: Owner | null;
}

/** The harness of the contracts, and the entity manager. */
export interface MikroHarness extends BulkHarness, HookedHarness {
  em(): SqlEntityManager;
}

export async function openMikroHarness(
  database: DatabaseName,
  triggers?: EntityProtectionOptions,
): Promise<MikroHarness> {
  const open = await openMikro(database, [Document, Owner]);
  if (triggers) await protectFiles(open.orm, { grace: times.grace, ...triggers });
  const documents = new CountingStorage();
  const covers = new CountingStorage();
  const files = await attachFiles(open.orm, { storages: new StorageRegistry({ documents, covers }), ...times });
  const unfinished: ({ rollback(): unknown } | undefined)[] = [];
  let updates = 0;
  const count = () => {
    updates += open.statements().filter((sql) => /update .?contract_document/i.test(sql)).length;
    return updates;
  };
  return {
    em: () => open.em as SqlEntityManager,
    database,
    sql: (work) =>
      open.em.transactional((em) =>
        work((sql) => em.getConnection().execute(sql, [], 'run', em.getTransactionContext())),
      ),
    files,
    Document,
    documents,
    covers,
    unit: () => unitOf(open.em),
    query: (sql) =>
      /^SELECT/.test(sql)
        ? open.rows(sql)
        : open.orm.em
            .getConnection()
            .execute(sql, [], 'run')
            .then(() => []),
    updates: count,
    isIn: (values) => ({ $in: values }),
    isNull: () => ({ $eq: null }),
    countWithoutFile: () => open.em.count(Document, { file: null }),
    hook: (name, action) => {
      const manager = open.orm.em.getEventManager();
      let removed = false;
      manager.registerSubscriber({
        [name]: async (args: { transaction?: { rollback(): unknown } }) => {
          if (removed) return;
          if (name === 'beforeTransactionRollback' || name === 'afterTransactionStart')
            unfinished.push(args.transaction);
          action();
        },
      });
      return () => void (removed = true);
    },
    // MikroORM never returns a connection to the pool when a subscriber throws after BEGIN or before ROLLBACK.
    async recover() {
      for (const transaction of unfinished.splice(0)) {
        try {
          const rollback = transaction?.rollback() as { execute?(): Promise<unknown> } | undefined;
          await (rollback?.execute?.() ?? rollback);
        } catch {
          // MikroORM has ended this one itself.
        }
      }
    },
    close: open.close,
  };
}

function unitOf(em: EntityManager): Unit {
  return {
    async insert(values) {
      const row = em.create(Document, {
        title: '',
        file: null,
        cover: null,
        owner: null,
        ...values,
      } as never) as Document;
      em.persist(row);
      await em.flush();
      return row;
    },
    async save(row) {
      em.persist(row);
      await em.flush();
    },
    find: (slug) => em.findOne(Document, { slug }),
    async remove(row) {
      em.remove(row);
      await em.flush();
    },
    transaction: (work) => em.transactional((inner) => work(unitOf(inner))),
  };
}
