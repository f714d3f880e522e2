import { attachFiles, createLedger, FileField, protectFiles, type StoredFile } from 'filefield/typeorm';
import { DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';
import { isFenceKey } from '../../../src/file/key.js';
import { createDatabase, uniqueName } from '../../support/databases.js';
import { Letter, Photo, Volume, type Application, type Sight, type World } from './world.js';

/** The letters of a tenant, in a schema of their own and with the same ledger. */
@Entity({ name: 'letter', schema: 'tenant' })
class TenantLetter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'photos' }) cover!: StoredFile | null;
}

/** The letters of a tenant whose schema a search path chooses. */
@Entity({ name: 'letter', schema: 'path' })
class PathLetter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'photos' }) cover!: StoredFile | null;
}

/**
 * What each process maps. `policy` also is a role that row level security shows half of the letters; the connections of `path`,
 * and the transactions of `set local`, find letters in the schema `path`.
 */
const entities: Readonly<Record<Sight, readonly (new () => object)[]>> = {
  whole: [Letter, TenantLetter, PathLetter, Photo],
  public: [Letter, Photo],
  tenant: [TenantLetter],
  policy: [Letter, Photo],
  path: [Letter],
  'set local': [Letter],
};

const tables = ['letter', 'tenant.letter', 'path.letter', 'photo', 'file_ledger', 'file_trash'];

/** PostgreSQL with protected columns: a schema per tenant, and row level security. One database for all histories, emptied before each. */
export class PostgresWorld implements World {
  readonly media = new Volume();
  readonly photos = new Volume();
  readonly sights = Object.keys(entities);
  readonly mounted = this.sights;
  readonly cells = ['letter', 'tenant.letter', 'path.letter']
    .flatMap((table) => [`SELECT file AS cell FROM ${table}`, `SELECT cover FROM ${table}`])
    .concat('SELECT file FROM photo')
    .join(' UNION ALL ');
  readonly raw = [
    'INSERT INTO photo (file) SELECT file FROM photo ORDER BY id LIMIT 1',
    'INSERT INTO path.letter (file) SELECT file FROM letter ORDER BY id DESC LIMIT 1',
    'INSERT INTO tenant.letter (file) SELECT file FROM letter ORDER BY id DESC LIMIT 1',
    'DELETE FROM photo WHERE id = (SELECT MIN(id) FROM photo)',
    'DELETE FROM letter WHERE id = (SELECT MAX(id) FROM letter) AND id > 1',
    'DELETE FROM path.letter WHERE id = (SELECT MAX(id) FROM path.letter)',
    'DELETE FROM tenant.letter WHERE id = (SELECT MAX(id) FROM tenant.letter)',
  ];
  readonly #running = new Map<Sight, Application>();

  private constructor(
    private readonly options: DataSourceOptions,
    private readonly role: string,
    private readonly admin: DataSource,
    private readonly drop: () => Promise<void>,
  ) {}

  static async create(): Promise<PostgresWorld> {
    const { host, port, user, name, drop } = await createDatabase('postgres', '');
    const options = { type: 'postgres', host, port, username: user, password: '', database: name } as DataSourceOptions;
    const admin = await new DataSource({
      ...options,
      entities: [...entities.whole!],
    } as DataSourceOptions).initialize();
    await admin.query('CREATE SCHEMA tenant');
    await admin.query('CREATE SCHEMA path');
    await admin.synchronize();
    await createLedger(admin);
    // Without the guard, a process cannot know of files that SQL has copied into a table that it does not map.
    await protectFiles(admin, { grace: '1m' });
    const role = uniqueName();
    await admin.query(`CREATE ROLE ${role} LOGIN`);
    await admin.query(`GRANT USAGE ON SCHEMA public, tenant, path TO ${role}`);
    await admin.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`);
    await admin.query(`GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
    await admin.query('ALTER TABLE letter ENABLE ROW LEVEL SECURITY');
    await admin.query('CREATE POLICY half ON letter USING (id % 2 = 0) WITH CHECK (true)');
    return new PostgresWorld(options, role, admin, drop);
  }

  /** The same world without rows, files and ledger entries. */
  async emptied(): Promise<this> {
    await this.admin.query(`TRUNCATE ${tables.join(', ')} RESTART IDENTITY`);
    for (const volume of [this.media, this.photos]) {
      for (const key of volume.keys) if (!isFenceKey(key)) await volume.delete(key);
    }
    return this;
  }

  async start(_database: string, sight: Sight): Promise<Application> {
    const known = entities[sight]!;
    const running = this.#running.get(sight);
    if (running) return running;
    const user = sight === 'policy' ? { username: this.role } : {};
    const extra = sight === 'path' ? { extra: { options: '-c search_path=path,public' } } : {};
    const options = { ...this.options, ...user, ...extra, entities: [...known] } as DataSourceOptions;
    const dataSource = await new DataSource(options).initialize();
    const files = await attachFiles(dataSource, {
      storages: { media: this.media, photos: this.photos },
      grace: '1m',
    });
    files.on('fault', () => undefined);
    const letters = known.find((entity) => entity !== Photo) as Application['letters'];
    const application = {
      sight,
      dataSource,
      files,
      letters,
      knowsCovers: true,
      knowsPhotos: known.includes(Photo),
      ...(sight === 'set local' && { searchPath: 'path, public' }),
    };
    this.#running.set(sight, application);
    return application;
  }

  /** Between two histories nothing is closed. */
  async close(): Promise<void> {}

  async end(): Promise<void> {
    for (const { dataSource } of this.#running.values()) await dataSource.destroy();
    await this.admin.query(`DROP OWNED BY ${this.role}`);
    await this.admin.query(`DROP ROLE ${this.role}`);
    await this.admin.destroy();
    await this.drop();
  }
}
