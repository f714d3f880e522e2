import 'reflect-metadata';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { StoredFile } from 'filefield';
import { MemoryStorage } from 'filefield/storages/memory';
import { attachFiles, createLedger, FileField, type Files } from 'filefield/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type DataSourceOptions } from 'typeorm';

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
class Volume extends MemoryStorage {
  override readonly volatile = false;
  readonly root = '/volume';
}

/** How much of the world a process sees. */
export type Sight = 'whole' | 'letters' | 'photos' | 'old' | 'not mounted' | 'swapped';

/** An application on one of the databases, with its own view of entities and storages. */
export interface Application {
  readonly sight: Sight;
  readonly dataSource: DataSource;
  readonly files: Files;
  /** The entity in which this process knows letters; undefined if it knows none. */
  readonly letters: (new () => Pick<Letter, 'id' | 'file'>) | undefined;
  readonly knowsPhotos: boolean;
}

const entities: Readonly<Record<Sight, readonly (new () => object)[]>> = {
  whole: [Letter, Photo],
  letters: [Letter],
  photos: [Photo],
  old: [OldLetter, Photo],
  'not mounted': [Letter, Photo],
  swapped: [Letter, Photo],
};

/** Databases, storages, and all processes that use them. Time is moved by moving everything else into the past. */
export class World {
  readonly media = new Volume();
  readonly photos = new Volume();
  readonly #folder: string;
  readonly #open: DataSource[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<World> {
    const world = new World(await mkdtemp(path.join(tmpdir(), 'filefield-half-blind-')));
    const dataSource = await world.#connect('original', entities.whole, true);
    await createLedger(dataSource);
    return world;
  }

  /** Starts a process; each looks at the storages through a registry of its own. */
  async start(database: string, sight: Sight): Promise<Application> {
    const dataSource = await this.#connect(database, entities[sight], false);
    const storages = {
      whole: { media: this.media, photos: this.photos },
      'not mounted': { media: new Volume(), photos: new Volume() },
      swapped: { media: this.photos, photos: this.media },
    };
    const seen = storages[sight as 'whole'] ?? storages.whole;
    const files = await attachFiles(dataSource, { storages: seen, grace: '1m' });
    files.on('fault', () => undefined);
    const letters = entities[sight].find((entity) => entity === Letter || entity === OldLetter);
    return {
      sight,
      dataSource,
      files,
      letters: letters as Application['letters'],
      knowsPhotos: entities[sight].includes(Photo),
    };
  }

  /** A dump that is restored under another name. */
  async copy(from: string, to: string): Promise<void> {
    await copyFile(this.#file(from), this.#file(to));
  }

  /** Lets time pass for a database. */
  async pass(dataSource: DataSource, milliseconds: number): Promise<void> {
    const back = (columns: readonly string[]) =>
      columns.map((column) => `${column} = ${column} - ${milliseconds}`).join(', ');
    await dataSource.query(`UPDATE file_ledger SET ${back(['lease_until', 'released_at', 'not_before'])}`);
    await dataSource.query(`UPDATE file_trash SET ${back(['retired_at', 'not_before'])}`);
    await dataSource.query(`UPDATE file_fence SET ${back(['token_at', 'swept_at'])}`);
    await dataSource.query(`UPDATE file_state SET ${back(['born_at'])}`);
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
