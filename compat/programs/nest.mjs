// The application of decorators.ts on NestJS, in plain JavaScript: decorators are called as functions.
import { Body, Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { Download, FileErrorsFilter, FilesModule, ReceiveFiles } from 'filefield/nest';
import { MemoryStorage } from 'filefield/storages/memory';
import { createLedger, fileColumn, protectFiles, withFiles } from 'filefield/typeorm';
import { DataSource, EntitySchema } from 'typeorm';
import { exchange } from './exchange.cjs';

const Document = new EntitySchema({
  name: 'document',
  columns: {
    id: { type: 'integer', primary: true, generated: true },
    slug: { type: 'varchar', unique: true },
    file: fileColumn({ storage: 'documents', accept: ['image/*'] }),
  },
});

class Documents {
  constructor(dataSource) {
    this.rows = dataSource.getRepository(Document);
  }
  create(form) {
    return this.rows.save({ ...form });
  }
  file() {}
}

function decorate(method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Documents.prototype, method);
  for (const decorator of decorators.reverse()) decorator(Documents.prototype, method, descriptor);
  Object.defineProperty(Documents.prototype, method, descriptor);
}
Inject(getDataSourceToken())(Documents, undefined, 0);
Body()(Documents.prototype, 'create', 0);
decorate('create', Post(), ReceiveFiles(Document, 'file'));
decorate('file', Get(':slug'), Download(Document, { field: 'file', slugField: 'slug' }));
Controller('documents')(Documents);

const options = { type: 'sqljs', entities: [Document], synchronize: true };
async function connect() {
  const dataSource = await withFiles(new DataSource(options)).initialize();
  await createLedger(dataSource.createQueryRunner());
  await protectFiles(dataSource);
  return dataSource;
}

class AppModule {}
Module({
  imports: [
    TypeOrmModule.forRootAsync({ useFactory: () => options, dataSourceFactory: connect }),
    FilesModule.forRoot({ storages: { documents: new MemoryStorage() } }),
  ],
  controllers: [Documents],
  providers: [{ provide: APP_FILTER, useClass: FileErrorsFilter }],
})(AppModule);

async function program() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.init();
  return exchange(app.getHttpAdapter().getInstance()).finally(() => app.close());
}

export const finished = program();
finished.then((line) => console.log(line));
