import { channel, type Channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { FileDescriptor } from './file/descriptor.js';

/** One stored object, for logs and metrics. Never show it to a client. */
export interface ObjectName {
  /** Identity in the ledger; empty for an object that the ledger does not know. */
  readonly id: string;
  /** Name of the storage in the registry. */
  readonly storage: string;
  /** Key of the object in its storage. */
  readonly key: string;
}

/** One file field of one row. */
export interface Slot {
  /** The table's plain name. */
  readonly owner: string;
  /** Primary key as text; the parts of a composite one as a JSON array. */
  readonly pk: string;
  /** The column's plain name. */
  readonly slot: string;
}

/** Columns that `protectFiles` has not protected. */
export interface UnprotectedColumns {
  /** As `table.column`. */
  readonly columns: readonly string[];
}

/**
 * The events of `files.on`, in the order of a file's life. They are also published on `node:diagnostics_channel`, as
 * `filefield:stored` and so on. `bound` and `released` come from inside the transaction of the row, which may still be
 * rolled back.
 */
export interface FilesEvents {
  /** The ledger has recorded that an object will be stored; no byte has moved. */
  intended: [ObjectName];
  /** All bytes are stored; the file is staged. */
  stored: [FileDescriptor];
  /** A row has the file. The slot is absent where the ORM does not tell the row's key. */
  bound: [ObjectName & Partial<Slot>];
  /** Files of this slot are to be deleted, or kept, as the field's policy says. */
  released: [Slot & { readonly count: number }];
  /** The rows of a file have got its copy in another storage; the old object is released. */
  moved: [{ readonly from: ObjectName; readonly to: ObjectName }];
  /** The leases of staged files have ended. */
  expired: [{ readonly count: number }];
  /** Released files have left the ledger; nothing can bind them any more, and their objects are deleted next. */
  retired: [{ readonly count: number }];
  /** An object has been deleted from its storage. */
  deleted: [ObjectName];
  /** An object could not be deleted in ten attempts over three days; only `sweep({ stuck: true })` tries again. */
  stuck: [ObjectName & { readonly cause: unknown }];
  /** A row names bytes that its storage does not have. */
  missing: [{ readonly file: FileDescriptor; readonly cause: unknown }];
  /**
   * Columns, as `table.column`, that `protectFiles` has not protected. Emitted while files are attached, so only a subscriber
   * of the channel hears it; `files.unprotected` tells the same.
   */
  unprotected: [UnprotectedColumns];
  /** An error that no caller waits for, such as a lease that could not be renewed. Printed when there is no listener. */
  fault: [unknown];
}

const names: readonly (keyof FilesEvents)[] = [
  'intended',
  'stored',
  'bound',
  'released',
  'moved',
  'expired',
  'retired',
  'deleted',
  'stuck',
  'missing',
  'unprotected',
  'fault',
];
const channels = Object.fromEntries(names.map((name) => [name, channel(`filefield:${name}`)])) as Record<
  keyof FilesEvents,
  Channel
>;

/** Calls listeners and publishes on diagnostics channels. A listener that throws becomes a `fault`. */
export class FileEvents {
  readonly #emitter = new EventEmitter();

  on<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): void {
    this.#emitter.on(event, listener as (...values: unknown[]) => void);
  }

  off<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): void {
    this.#emitter.off(event, listener as (...values: unknown[]) => void);
  }

  emit<Event extends keyof FilesEvents>(event: Event, value: FilesEvents[Event][0]): void {
    if (channels[event].hasSubscribers) channels[event].publish(value);
    try {
      const heard = this.#emitter.emit(event, value);
      // Without a listener, print it.
      if (event === 'fault' && !heard) console.error(value);
    } catch (error) {
      if (event === 'fault') console.error(error);
      else this.emit('fault', error);
    }
  }
}
