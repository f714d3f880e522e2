import { FileFieldError } from '../errors.js';
import type { StorageRegistry } from '../registry.js';

/** A folder of this machine, and what the server in front calls it. */
export interface Place {
  /** Absolute path. */
  readonly folder: string;
  /** Such as `/_filefield/documents`. */
  readonly prefix: string;
}

/**
 * The places of all storages in a registry that have a folder on this machine. The deliveries and the configurations for
 * the servers in front are both made of these, so that they agree. Throws `invalid_option` when there is none.
 */
export function storagePlaces(storages: StorageRegistry): readonly Place[] {
  const places = storages.names.flatMap((name) => {
    const folder = storages.resolve(name).root;
    return folder === undefined ? [] : [{ folder, prefix: `/_filefield/${name}` }];
  });
  if (places.length > 0) return places;
  throw new FileFieldError('invalid_option', 'No storage of the registry has a folder on this machine to hand over.');
}
