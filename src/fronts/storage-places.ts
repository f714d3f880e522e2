import type { StorageRegistry } from '../file/registry.js';

/** A folder of this machine, and what the server in front calls it. */
export interface Place {
  /** Absolute path. */
  readonly folder: string;
  /** Such as `/_filefield/documents`. */
  readonly prefix: string;
}

/**
 * The places of all storages in a registry that have a folder on this machine. The deliveries and the configurations for
 * the servers in front are both made of these, so that they agree.
 */
export function storagePlaces(storages: StorageRegistry): readonly Place[] {
  return storages.names.flatMap((name) => {
    const folder = storages.resolve(name).root;
    return folder === undefined ? [] : [{ folder, prefix: `/_filefield/${name}` }];
  });
}
