import { EntityManager, MikroORM, UniqueConstraintViolationException } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { SqliteDriver } from '@mikro-orm/sqlite';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import type { StoredFile } from 'filefield';
import { withFiles } from 'filefield/mikro-orm';
import path from 'node:path';
import { Ledger } from '../../../migrations-example/mikro-orm/ledger.js';
import { ProtectFiles } from '../../../migrations-example/mikro-orm/protection.js';
import { Documents, slugTaken, type DocumentRow } from '../documents.js';
import { Settings } from '../settings.js';
import { Document } from './document.js';

@Injectable()
class MikroDocuments extends Documents {
  /** MikroOrmModule gives each request an entity manager of its own. */
  constructor(private readonly em: EntityManager) {
    super();
  }

  list(owner: string): Promise<DocumentRow[]> {
    return this.em.find(Document, { owner }, { orderBy: { id: 'DESC' } });
  }

  async create(values: Omit<DocumentRow, 'id'>): Promise<DocumentRow> {
    const row = this.em.create(Document, values);
    try {
      await this.em.persist(row).flush();
      return row;
    } catch (error) {
      throw error instanceof UniqueConstraintViolationException ? slugTaken() : error;
    }
  }

  async replaceFile(owner: string, slug: string, file: StoredFile): Promise<DocumentRow | null> {
    const row = await this.em.findOne(Document, { owner, slug });
    if (row) row.file = file;
    await this.em.flush();
    return row;
  }

  async delete(owner: string, slug: string): Promise<boolean> {
    const row = await this.em.findOne(Document, { owner, slug });
    if (row) await this.em.remove(row).flush();
    return row !== null;
  }
}

const migrationsList = [
  { name: 'Migration20251113000000_ledger', class: Ledger },
  { name: 'Migration20251113000002_protect_files', class: ProtectFiles },
];

/** The tables must be there when FilesModule attaches, so the migrations run before MikroOrmModule connects. */
async function migrated({ data }: Settings) {
  const options = withFiles({
    driver: SqliteDriver,
    dbName: path.join(data, 'mikro.sqlite'),
    entities: [Document],
    extensions: [Migrator],
    migrations: { migrationsList, snapshot: false, silent: true },
  });
  const orm = await MikroORM.init(options);
  await orm.schema.updateSchema(); // makes the table of documents; in production a migration does
  await orm.getMigrator().up();
  await orm.close();
  return options;
}

@Module({})
class MikroModule {}

export const databaseModule: DynamicModule = {
  module: MikroModule,
  imports: [MikroOrmModule.forRootAsync({ driver: SqliteDriver, inject: [Settings], useFactory: migrated })],
  providers: [{ provide: Documents, useClass: MikroDocuments }],
  exports: [Documents],
};
export { Document };
