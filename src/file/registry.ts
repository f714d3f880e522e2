import { FileFieldError } from '../errors.js';
import { invalidOption } from '../options.js';
import type { Storage } from './storage.js';

const required = ['write', 'read', 'stat', 'delete'] as const;

/** What a registry knows beside its storages. */
export interface RegistryOptions<Name extends string = string> {
  /**
   * Former names of storages, which the columns of older rows hold: `{ uploads: 'documents' }`. New files get the new name.
   * @default none
   */
  readonly aliases?: Readonly<Record<string, Name>>;
  /**
   * Cache-Control of the files of each storage, for views that name none: `'private'`, `'immutable'` or the header itself.
   * @default `'private'`
   */
  readonly cacheControl?: { readonly [Storage in Name]?: string };
}

/**
 * Storages by name. Columns hold the name, so a name can be given to another storage: a folder today, a bucket tomorrow.
 * There is no global registry: create one and pass it on.
 *
 * @throws `invalid_option` for a name that is not 1 to 64 of the characters A-Z a-z 0-9 _ . -, for a value that is not a
 * storage, and for an alias of a storage that is not there.
 *
 * @example
 * ```ts
 * import { StorageRegistry } from 'filefield';
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const documents = new DiskStorage({ root: 'var/documents' });
 * const storages = new StorageRegistry({ documents }, { aliases: { uploads: 'documents' } });
 * ```
 */
export class StorageRegistry<Storages extends Readonly<Record<string, Storage>> = Readonly<Record<string, Storage>>> {
  readonly #storages: ReadonlyMap<string, Storage>;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #cacheControl: ReadonlyMap<string, string>;

  constructor(storages: Storages, options: RegistryOptions<keyof Storages & string> = {}) {
    this.#storages = new Map(Object.entries(storages));
    for (const [name, storage] of this.#storages) {
      checkName(name);
      if (!required.every((method) => typeof (storage as Partial<Storage> | null)?.[method] === 'function')) {
        throw new FileFieldError(
          'invalid_option',
          `The storage "${name}" must be an object with the methods ${required.join(', ')}, such as a DiskStorage.`,
          { storage: name },
        );
      }
    }
    this.#aliases = new Map(Object.entries<string>(options.aliases ?? {}));
    for (const [alias, name] of this.#aliases) {
      checkName(alias);
      if (this.#storages.has(alias)) {
        throw invalidOption(`"${alias}" is the name of a storage, so it cannot be the former name of another one.`);
      }
      if (!this.#storages.has(name)) throw this.#unknown(name);
    }
    this.#cacheControl = new Map(
      Object.entries<string | undefined>(options.cacheControl ?? {}).flatMap(([name, text]) =>
        text === undefined ? [] : [[name, text] as const],
      ),
    );
    for (const name of this.#cacheControl.keys()) if (!this.#storages.has(name)) throw this.#unknown(name);
  }

  /** The names of all storages, in the order in which they were given; not their former names. */
  get names(): readonly string[] {
    return [...this.#storages.keys()];
  }

  /** Every name that a column may hold: those of all storages, then the former ones. */
  get everyName(): readonly string[] {
    return [...this.#storages.keys(), ...this.#aliases.keys()];
  }

  /** True for the name of a storage, also a former one. */
  has(name: string): boolean {
    return this.#storages.has(name) || this.#aliases.has(name);
  }

  /** The storage with a name that the compiler knows. */
  get<Name extends keyof Storages & string>(name: Name): Storages[Name] {
    return this.resolve(name) as Storages[Name];
  }

  /** The storage with a name from a column or an option. Throws `invalid_option` if there is none. */
  resolve(name: string): Storage {
    const storage = this.#storages.get(this.#nameOf(name));
    if (storage) return storage;
    throw this.#unknown(name);
  }

  /** The Cache-Control of the files of a storage; undefined if there is none. */
  cacheControl(name: string): string | undefined {
    return this.#cacheControl.get(this.#nameOf(name));
  }

  #nameOf(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  #unknown(name: string): FileFieldError {
    return new FileFieldError(
      'invalid_option',
      `No storage is registered as "${name}"; the registry has: ${this.names.join(', ') || 'none'}.`,
      { storage: name },
    );
  }
}

function checkName(name: string): void {
  if (/^[\w.-]{1,64}$/.test(name)) return;
  throw invalidOption(`A storage cannot be named "${name}": use 1 to 64 of the characters A-Z a-z 0-9 _ . -`);
}
