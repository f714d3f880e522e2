import { MikroORM, UniqueConstraintViolationException, type EntityClass, type FilterQuery } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { SqliteDriver } from '@mikro-orm/sqlite';
import type { FileFieldOf, StoredFile } from 'filefield';
import { attachFiles, databaseStorage, withFiles } from 'filefield/mikro-orm';
import { migrationsList } from '../../migrations-example/mikro-orm/index.js';
import { slugTaken } from '../refusal.js';
import type { Library, OpenOptions, Row, Store } from '../store.js';
import { Document } from './document.js';
import { Photo } from './photo.js';

export async function openMikro({ database, storages: make, ledger }: OpenOptions): Promise<Library> {
  const orm = await MikroORM.init(
    withFiles({
      driver: SqliteDriver,
      dbName: database,
      entities: [Document, Photo],
      extensions: [Migrator],
      migrations: { migrationsList, snapshot: false, silent: true },
    }),
  );
  await orm.getMigrator().up();
  const storages = await make((name) => databaseStorage(orm, { name }));
  const files = await attachFiles(orm, { storages, ...ledger });
  return {
    files,
    storages,
    documents: new MikroStore(orm, Document, 'file'),
    photos: new MikroStore(orm, Photo, 'image'),
    close: () => orm.close(),
  };
}

class MikroStore<Entity extends Row> implements Store<Entity> {
  constructor(
    private readonly orm: MikroORM,
    readonly entity: EntityClass<Entity> & { readonly prototype: Entity; readonly name: string },
    readonly field: FileFieldOf<Entity>,
  ) {}

  list(): Promise<Entity[]> {
    return this.orm.em.fork().find(this.entity, {}, { orderBy: { id: 'DESC' } as never });
  }

  find(slug: string): Promise<Entity | null> {
    return this.orm.em.fork().findOne(this.entity, { slug } as FilterQuery<Entity>);
  }

  async create({ slug, title, file }: { slug: string; title: string; file: StoredFile }): Promise<Entity> {
    const em = this.orm.em.fork();
    try {
      const row = em.create(this.entity, { slug, title, [this.field]: file } as never);
      await em.persistAndFlush(row);
      return row;
    } catch (error) {
      throw error instanceof UniqueConstraintViolationException ? slugTaken() : error;
    }
  }

  async replaceFile(slug: string, file: StoredFile): Promise<Entity | null> {
    const em = this.orm.em.fork();
    const row = await em.findOne(this.entity, { slug } as FilterQuery<Entity>);
    if (row) Object.assign(row, { [this.field]: file });
    await em.flush();
    return row;
  }

  async delete(slug: string): Promise<boolean> {
    const em = this.orm.em.fork();
    const row = await em.findOne(this.entity, { slug } as FilterQuery<Entity>);
    if (row) await em.removeAndFlush(row);
    return row !== null;
  }
}
