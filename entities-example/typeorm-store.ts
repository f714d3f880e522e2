import 'reflect-metadata';
import type { FileFieldOf, StoredFile } from 'filefield';
import { attachFiles, databaseStorage, transactionQueue, withFiles, type TransactionQueue } from 'filefield/typeorm';
import {
  DataSource,
  QueryFailedError,
  type DeepPartial,
  type EntityTarget,
  type FindOptionsOrder,
  type FindOptionsWhere,
} from 'typeorm';
import { migrations } from '../migrations-example/typeorm/index.js';
import { Document } from './document.js';
import { Photo } from './photo.js';
import { slugTaken } from './refusal.js';
import type { Library, OpenOptions, Row, Store } from './store.js';

export async function openTypeorm({ database, storages: make, ledger }: OpenOptions): Promise<Library> {
  const dataSource = withFiles(new DataSource({ type: 'sqlite', database, entities: [Document, Photo], migrations }));
  await dataSource.initialize();
  await dataSource.runMigrations();
  const storages = await make((name) => databaseStorage(dataSource, { name }));
  const files = await attachFiles(dataSource, { storages, ...ledger });
  // TypeORM has only one connection to a SQLite file, so transactions must wait for each other.
  const write = transactionQueue(dataSource);
  return {
    files,
    storages,
    documents: new TypeormStore(dataSource, write, Document, 'file'),
    photos: new TypeormStore(dataSource, write, Photo, 'image'),
    close: () => dataSource.destroy(),
  };
}

class TypeormStore<Entity extends Row> implements Store<Entity> {
  constructor(
    private readonly dataSource: DataSource,
    private readonly write: TransactionQueue,
    readonly entity: EntityTarget<Entity> & { readonly prototype: Entity; readonly name: string },
    readonly field: FileFieldOf<Entity>,
  ) {}

  list(): Promise<Entity[]> {
    return this.dataSource.getRepository(this.entity).find({ order: { id: 'DESC' } as FindOptionsOrder<Entity> });
  }

  find(slug: string): Promise<Entity | null> {
    return this.dataSource.getRepository(this.entity).findOneBy({ slug } as FindOptionsWhere<Entity>);
  }

  async create({ slug, title, file }: { slug: string; title: string; file: StoredFile }): Promise<Entity> {
    try {
      return await this.write((manager) => {
        const rows = manager.getRepository(this.entity);
        return rows.save(rows.create({ slug, title, [this.field]: file } as unknown as DeepPartial<Entity>));
      });
    } catch (error) {
      throw error instanceof QueryFailedError && /UNIQUE.*\.slug/.test(error.message) ? slugTaken() : error;
    }
  }

  replaceFile(slug: string, file: StoredFile): Promise<Entity | null> {
    return this.write(async (manager) => {
      const rows = manager.getRepository(this.entity);
      const row = await rows.findOneBy({ slug } as FindOptionsWhere<Entity>);
      return row && rows.save(Object.assign(row, { [this.field]: file }));
    });
  }

  delete(slug: string): Promise<boolean> {
    return this.write(async (manager) => {
      const rows = manager.getRepository(this.entity);
      const row = await rows.findOneBy({ slug } as FindOptionsWhere<Entity>);
      if (row) await rows.remove(row);
      return row !== null;
    });
  }
}
