import { attachFiles, createLedger, fileColumn } from 'filefield/typeorm';
import { DataSource, EntitySchema, type DataSourceOptions } from 'typeorm';
import { storagesOf, type Application, type DocumentRow, type OpenOptions, type Place } from './application.js';

export const Document = new EntitySchema<DocumentRow>({
  name: 'crash_document',
  columns: {
    id: { type: Number, primary: true, generated: true },
    slug: { type: 'varchar', length: 100, unique: true },
    file: fileColumn({ storage: 'documents' }),
  },
});

export const Photo = new EntitySchema<DocumentRow>({
  name: 'crash_photo',
  columns: {
    id: { type: Number, primary: true, generated: true },
    slug: { type: 'varchar', length: 100, unique: true },
    file: fileColumn({ storage: 'documents' }),
  },
});

export interface TypeormApplication extends Application {
  readonly dataSource: DataSource;
}

export async function openTypeorm(place: Place, options: OpenOptions = {}): Promise<TypeormApplication> {
  const { database, name, host, port, user } = place;
  const address =
    database === 'sqlite' ? {} : { host, port, username: user, password: '', poolSize: options.poolSize ?? 10 };
  const dataSource = await new DataSource({
    type: database,
    database: name,
    ...address,
    ...(options.queryTimeout && { extra: { query_timeout: options.queryTimeout } }),
    entities: options.photos ? [Document, Photo] : [Document],
    synchronize: options.create ?? false,
  } as DataSourceOptions).initialize();
  if (options.create) {
    const runner = dataSource.createQueryRunner();
    await createLedger(runner);
    await runner.release();
  }
  const storages = await storagesOf(place, options);
  const files = await attachFiles(dataSource, { storages, lease: place.lease, grace: place.grace, protection: 'off' });
  const repository = dataSource.getRepository(Document);
  return {
    dataSource,
    files,
    stage: (text) => files.stage(Document, 'file', text, { name: 'note.txt' }),
    insert: async (slug, file) => void (await repository.save({ slug, file })),
    replace: (slug, file) =>
      dataSource.transaction(async (manager) => {
        const row = await manager.findOneByOrFail(Document, { slug });
        await manager.save(Document, { ...row, file });
      }),
    remove: async (slug) => void (await repository.remove(await repository.findOneByOrFail({ slug }))),
    rows: async () => {
      const photos = options.photos ? await dataSource.getRepository(Photo).find() : [];
      return new Map([...(await repository.find()), ...photos].map((row) => [row.slug, row.file]));
    },
    query: (sql) => dataSource.query(sql) as Promise<Record<string, unknown>[]>,
    onTransaction(moment, action) {
      dataSource.subscribers.push(
        moment === 'before-commit' ? { beforeTransactionCommit: action } : { afterTransactionCommit: action },
      );
    },
    close: () => dataSource.destroy(),
  };
}
