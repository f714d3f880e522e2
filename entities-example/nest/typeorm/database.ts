import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import type { StoredFile } from 'filefield';
import { transactionQueue, withFiles, type TransactionQueue } from 'filefield/typeorm';
import path from 'node:path';
import { DataSource, QueryFailedError } from 'typeorm';
import { Ledger1763000000000 } from '../../../migrations-example/typeorm/ledger.js';
import { ProtectFiles1763000002000 } from '../../../migrations-example/typeorm/protection.js';
import { Documents, slugTaken, type DocumentRow } from '../documents.js';
import { Settings } from '../settings.js';
import { Document } from './document.js';
import { Tables1763000001000 } from './tables.js';

@Injectable()
class TypeormDocuments extends Documents {
  readonly #write: TransactionQueue;

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {
    super();
    // TypeORM has only one connection to a SQLite file, so transactions wait for each other; elsewhere a repository will do.
    this.#write = transactionQueue(dataSource);
  }

  list(owner: string): Promise<DocumentRow[]> {
    return this.dataSource.getRepository(Document).find({ where: { owner }, order: { id: 'DESC' } });
  }

  async create(values: Omit<DocumentRow, 'id'>): Promise<DocumentRow> {
    try {
      return await this.#write((manager) => manager.save(Document, manager.create(Document, values)));
    } catch (error) {
      throw error instanceof QueryFailedError && /UNIQUE.*\.slug/.test(error.message) ? slugTaken() : error;
    }
  }

  replaceFile(owner: string, slug: string, file: StoredFile): Promise<DocumentRow | null> {
    return this.#write(async (manager) => {
      const row = await manager.findOneBy(Document, { owner, slug });
      return row && manager.save(Object.assign(row, { file }));
    });
  }

  delete(owner: string, slug: string): Promise<boolean> {
    return this.#write(async (manager) => {
      const row = await manager.findOneBy(Document, { owner, slug });
      if (row) await manager.remove(row);
      return row !== null;
    });
  }
}

@Module({})
class TypeormModule {}

export const databaseModule: DynamicModule = {
  module: TypeormModule,
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Settings],
      useFactory: ({ data }: Settings) => ({
        type: 'sqlite',
        database: path.join(data, 'typeorm.sqlite'),
        entities: [Document],
        migrations: [Ledger1763000000000, Tables1763000001000, ProtectFiles1763000002000],
        migrationsRun: true,
      }),
      dataSourceFactory: async (options) => withFiles(new DataSource(options!)),
    }),
  ],
  providers: [{ provide: Documents, useClass: TypeormDocuments }],
  exports: [Documents],
};
export { Document };
