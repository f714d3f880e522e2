import 'reflect-metadata';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import {
  Column,
  DataSource,
  Entity,
  PrimaryGeneratedColumn,
  type DataSourceOptions,
  type EntityManager,
} from 'typeorm';

@Entity('letter')
export class Letter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
  @FileField({ storage: 'photos' }) cover!: StoredFile | null;
}

/** The same table in an older release, which has no cover. */
@Entity('letter')
class OldLetter {
  @PrimaryGeneratedColumn() id!: number;
  @FileField({ storage: 'media' }) file!: StoredFile | null;
}

@Entity('photo')
export class Photo {
  @PrimaryGeneratedColumn() id!: number;
  @Column('varchar', { default: '' }) note!: string;
  @FileField({ storage: 'photos' }) file!: StoredFile | null;
}

/** A volume: it survives the process, and another one may be mounted in its place. */
export class Volume extends MemoryStorage {
  override readonly volatile = false;
  readonly root = '/volume';
}

/** How much of the world a process sees: a name that its world knows. */
export type Sight = string;

/** An application on one of the databases, with its own view of entities and storages. */
export interface Application {
  readonly sight: Sight;
  readonly dataSource: DataSource;
  readonly files: Files;
  /** The entity in which this process knows letters; undefined if it knows none. */
  readonly letters: (new () => Pick<Letter, 'id' | 'file'>) | undefined;
  /** Whether its letters have a cover. */
  readonly knowsCovers: boolean;
  readonly knowsPhotos: boolean;
  /** The search path that its transactions set. */
  readonly searchPath?: string | undefined;
}

/** Runs the work in a transaction of the application. */
export function within<Result>(
  { dataSource, searchPath }: Application,
  work: (manager: EntityManager) => Promise<Result>,
): Promise<Result> {
  return dataSource.transaction(async (manager) => {
    if (searchPath !== undefined) await manager.query(`SET LOCAL search_path TO ${searchPath}`);
    return work(manager);
  });
}

/** Databases, storages, and processes of different sight that use them. */
export interface World {
  readonly media: Volume;
  readonly photos: Volume;
  readonly sights: readonly Sight[];
  /** Those whose sweeps see the right storages. */
  readonly mounted: readonly Sight[];
  /** A SELECT of all cells that have a file. */
  readonly cells: string;
  /** Writes that no hook sees. */
  readonly raw: readonly string[];
  /** Starts a process. */
  start(database: string, sight: Sight): Promise<Application>;
  /** Absent where databases are not copied. */
  copy?(from: string, to: string): Promise<void>;
  close(): Promise<void>;
}

/** Lets time pass for a database, by moving all times into the past. */
export async function pass(dataSource: DataSource, milliseconds: number): Promise<void> {
  const back = (columns: readonly string[]) =>
    columns.map((column) => `${column} = ${column} - ${Math.round(milliseconds)}`).join(', ');
  await dataSource.query(`UPDATE file_ledger SET ${back(['lease_until', 'released_at', 'not_before'])}`);
  await dataSource.query(`UPDATE file_trash SET ${back(['retired_at', 'not_before'])}`);
  await dataSource.query(`UPDATE file_fence SET ${back(['token_at', 'swept_at'])}`);
  await dataSource.query(`UPDATE file_state SET ${back(['born_at'])}`);
}

const entities: Readonly<Record<string, readonly (new () => object)[]>> = {
  whole: [Letter, Photo],
  letters: [Letter],
  photos: [Photo],
  old: [OldLetter, Photo],
  'not mounted': [Letter, Photo],
  swapped: [Letter, Photo],
};

/** SQLite: fewer entities, an older release, a copy of the database, a volume that is not mounted, swapped storages. */
export class CopiedWorld implements World {
  readonly media = new Volume();
  readonly photos = new Volume();
  readonly sights = Object.keys(entities);
  readonly mounted = ['whole', 'letters', 'photos', 'old'];
  readonly cells =
    'SELECT file AS cell FROM letter UNION ALL SELECT cover FROM letter UNION ALL SELECT file FROM photo';
  readonly raw = [
    'INSERT INTO photo (file) SELECT file FROM photo ORDER BY id LIMIT 1',
    'INSERT INTO letter (file) SELECT file FROM letter ORDER BY id DESC LIMIT 1',
    'DELETE FROM photo WHERE id = (SELECT MIN(id) FROM photo)',
    'DELETE FROM letter WHERE id = (SELECT MAX(id) FROM letter) AND id > 1',
  ];
  readonly #folder: string;
  readonly #open: DataSource[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<World> {
    const world = new CopiedWorld(await mkdtemp(path.join(tmpdir(), 'filefield-half-blind-')));
    const dataSource = await world.#connect('original', entities.whole!, true);
    await createLedger(dataSource);
    return world;
  }

  /** Starts a process; each looks at the storages through a registry of its own. */
  async start(database: string, sight: Sight): Promise<Application> {
    const known = entities[sight]!;
    const dataSource = await this.#connect(database, known, false);
    const storages = {
      whole: { media: this.media, photos: this.photos },
      'not mounted': { media: new Volume(), photos: new Volume() },
      swapped: { media: this.photos, photos: this.media },
    };
    const seen = storages[sight as 'whole'] ?? storages.whole;
    const files = await attachFiles(dataSource, { storages: seen, grace: '1m' });
    files.on('fault', () => undefined);
    const letters = known.find((entity) => entity === Letter || entity === OldLetter);
    return {
      sight,
      dataSource,
      files,
      letters: letters as Application['letters'],
      knowsCovers: letters === Letter,
      knowsPhotos: known.includes(Photo),
    };
  }

  /** A dump that is restored under another name. */
  async copy(from: string, to: string): Promise<void> {
    await copyFile(this.#file(from), this.#file(to));
  }

  async close(): Promise<void> {
    for (const dataSource of this.#open) await dataSource.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #file(database: string): string {
    return path.join(this.#folder, `${database}.db`);
  }

  async #connect(database: string, known: readonly (new () => object)[], synchronize: boolean): Promise<DataSource> {
    const options = { type: 'sqlite', database: this.#file(database), entities: [...known], synchronize };
    const dataSource = await new DataSource(options as DataSourceOptions).initialize();
    // Nobody pulls the plug here.
    await dataSource.query('PRAGMA synchronous = OFF');
    await dataSource.query('PRAGMA journal_mode = MEMORY');
    this.#open.push(dataSource);
    return dataSource;
  }
}
