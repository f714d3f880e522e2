import { channel, type Channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { FileDescriptor } from './file/descriptor.js';

/** One stored object, for logs and metrics. Never show it to a client. */
export interface ObjectName {
  readonly id: string;
  readonly storage: string;
  readonly key: string;
}

/** One file field of one row: table, primary key as text, column. */
export interface SlotName {
  readonly owner: string;
  readonly pk: string;
  readonly slot: string;
}

/**
 * What `files.on` tells, in the order of a file's life. The same is published on `node:diagnostics_channel` as
 * `filefield:stored` and so on. `bound` and `doomed` come from inside the transaction of the row, which may still be
 * rolled back.
 */
export interface FilesEvents {
  /** The ledger has recorded that an object will be stored; no byte has moved. */
  intended: [ObjectName];
  /** All bytes are stored; the file is staged. */
  stored: [FileDescriptor];
  bound: [ObjectName & Partial<SlotName>];
  /** What the slot held before is to be deleted, or kept, as the field's policy says. */
  doomed: [SlotName & { readonly count: number }];
  /** Staged files whose lease ended. */
  expired: [{ readonly count: number }];
  /** Doomed files have left the ledger; nothing can bind them any more, their objects are deleted next. */
  retired: [{ readonly count: number }];
  /** An object has been deleted from its storage. */
  deleted: [ObjectName];
  /** An object could not be deleted, ten times over three days: no sweep tries again unless it is told to. */
  stuck: [ObjectName & { readonly cause: unknown }];
  /** A row names bytes that its storage does not have. */
  missing: [{ readonly file: FileDescriptor; readonly cause: unknown }];
  /** Something went wrong that no caller is waiting for: a lease could not be renewed, an object not be deleted. */
  fault: [unknown];
}

const names: readonly (keyof FilesEvents)[] = [
  'intended',
  'stored',
  'bound',
  'doomed',
  'expired',
  'retired',
  'deleted',
  'stuck',
  'missing',
  'fault',
];
const channels = Object.fromEntries(names.map((name) => [name, channel(`filefield:${name}`)])) as Record<
  keyof FilesEvents,
  Channel
>;

/** Tells listeners and diagnostics channels. A listener that throws harms nobody: it becomes a fault. */
export class FileEvents {
  readonly #emitter = new EventEmitter<FilesEvents>();

  on<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): void {
    this.#emitter.on(event, listener as never);
  }

  off<Event extends keyof FilesEvents>(event: Event, listener: (...values: FilesEvents[Event]) => void): void {
    this.#emitter.off(event, listener as never);
  }

  emit<Event extends keyof FilesEvents>(event: Event, value: FilesEvents[Event][0]): void {
    if (channels[event].hasSubscribers) channels[event].publish(value);
    try {
      const heard = this.#emitter.emit(event, ...([value] as never));
      // Told or printed, never neither.
      if (event === 'fault' && !heard) console.error(value);
    } catch (error) {
      if (event === 'fault') console.error(error);
      else this.emit('fault', error as never);
    }
  }
}
