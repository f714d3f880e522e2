import { PrimaryKeyProp } from '@mikro-orm/core';
import type { StoredFile } from 'filefield';
import { attachFiles, FileField } from 'filefield/mikro-orm';
import { adoptingFromBucketClaims, type PageRow } from '../contracts/orm/adopting-from-bucket.js';
import { reachableDatabases } from '../support/databases.js';
import { legacy, major, openMikro } from '../support/mikro-orm.js';

const { Entity, PrimaryKey, Property } = legacy;

@Entity({ tableName: 'page' })
class Page implements PageRow {
  [PrimaryKeyProp]?: ['tenant', 'number'];
  @PrimaryKey({ type: 'string', length: 40 }) tenant!: string;
  @PrimaryKey({ type: 'integer' }) number!: number;
  @Property({ type: 'string', nullable: true }) url!: string | null;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

describe.each(await reachableDatabases())(
  `objects of a bucket that are adopted with MikroORM ${major} on %s`,
  (name) => {
    adoptingFromBucketClaims(async (media) => {
      const open = await openMikro(name, [Page]);
      const files = await attachFiles(open.orm, { storages: { media }, grace: 0, protection: 'off' });
      return {
        files,
        Page,
        async insert(row) {
          const { em } = open;
          await em.persist(em.create(Page, row as Page)).flush();
        },
        find: (tenant, number) => open.em.findOneOrFail(Page, { tenant, number }),
        async remove(row) {
          const { em } = open;
          await em.remove(await em.findOneOrFail(Page, { tenant: row.tenant, number: row.number })).flush();
        },
        close: open.close,
      };
    });
  },
);
