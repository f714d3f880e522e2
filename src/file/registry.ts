import { FileFieldError } from '../errors.js';
import type { Storage } from './storage.js';

const required = ['write', 'read', 'stat', 'delete'] as const;

/**
 * Storages by name. Columns hold the name, so a name can be given to another storage: a folder today, a bucket tomorrow.
 * There is no global registry: create one and pass it on.
 *
 * @throws `invalid_option` for a name that is not 1 to 64 of the characters A-Z a-z 0-9 _ . -, and for a value that is not
 * a storage.
 *
 * @example
 * ```ts
 * import { StorageRegistry } from 'filefield';
 * import { DiskStorage } from 'filefield/storages/disk';
 *
 * const storages = new StorageRegistry({ documents: new DiskStorage({ root: 'var/documents' }) });
 * ```
 */
export class StorageRegistry<Storages extends Readonly<Record<string, Storage>> = Readonly<Record<string, Storage>>> {
  readonly #storages: ReadonlyMap<string, Storage>;

  constructor(storages: Storages) {
    this.#storages = new Map(Object.entries(storages));
    for (const [name, storage] of this.#storages) {
      if (!/^[\w.-]{1,64}$/.test(name)) {
        throw new FileFieldError(
          'invalid_option',
          `A storage cannot be named "${name}": use 1 to 64 of the characters A-Z a-z 0-9 _ . -`,
        );
      }
      if (!required.every((method) => typeof (storage as Partial<Storage> | null)?.[method] === 'function')) {
        throw new FileFieldError(
          'invalid_option',
          `The storage "${name}" must be an object with the methods ${required.join(', ')}, such as a DiskStorage.`,
          { storage: name },
        );
      }
    }
  }

  /** The names of all storages, in the order in which they were given. */
  get names(): readonly string[] {
    return [...this.#storages.keys()];
  }

  /** The storage with a name that the compiler knows. */
  get<Name extends keyof Storages & string>(name: Name): Storages[Name] {
    return this.resolve(name) as Storages[Name];
  }

  /** The storage with a name from a column or an option. Throws `invalid_option` if there is none. */
  resolve(name: string): Storage {
    const storage = this.#storages.get(name);
    if (storage) return storage;
    throw new FileFieldError(
      'invalid_option',
      `No storage is registered as "${name}"; the registry has: ${this.names.join(', ') || 'none'}.`,
      { storage: name },
    );
  }
}
