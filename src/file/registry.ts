import { FileFieldError } from '../errors.js';
import type { Storage } from './storage.js';

/**
 * Storages by name. Columns store the name, so what it stands for may change: a folder today, a bucket tomorrow.
 * Create one and hand it over; there is no global registry.
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
    for (const name of this.#storages.keys()) {
      if (!/^[\w.-]{1,64}$/.test(name)) {
        throw new FileFieldError(
          'invalid_option',
          `A storage cannot be called "${name}": use 1 to 64 of A-Z a-z 0-9 _ . -`,
        );
      }
    }
  }

  get names(): readonly string[] {
    return [...this.#storages.keys()];
  }

  /** The storage of a name known to the compiler. */
  get<Name extends keyof Storages & string>(name: Name): Storages[Name] {
    return this.resolve(name) as Storages[Name];
  }

  /** The storage of a name that came out of a column or an option. Throws `invalid_option`. */
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
