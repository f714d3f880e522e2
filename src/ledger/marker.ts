import { existsSync } from 'node:fs';
import { collect } from '../file/body.js';
import { isFileFieldError } from '../errors.js';
import { fenceKey } from '../file/key.js';
import type { Storage } from '../file/storage.js';

/** What a ledger wrote into a storage. */
export interface Marker {
  /** Counts up with every new token. */
  readonly generation: number;
  /** Random text, `contested` or `given-up`. */
  readonly token: string;
}

/** The token of a marker by which a database says that it did not write the one before. */
export const contested = 'contested';

/** The token of a marker by which a copy of a database leaves the storage to the original. */
export const givenUp = 'given-up';

const slots = [1, 0] as const;

/**
 * The two objects in a storage that hold the markers of one ledger: one generation in each, so that the last marker stays
 * while the next one is written, and a crash at any point leaves one of the two.
 */
export class Markers {
  constructor(
    private readonly storage: Storage,
    private readonly identity: string,
    private readonly name: string,
  ) {}

  /** The marker of the highest generation; undefined if there is none. */
  async newest(): Promise<Marker | undefined> {
    const [even, odd] = await Promise.all([this.#read(0), this.#read(1)]);
    return even && odd ? (even.generation > odd.generation ? even : odd) : (even ?? odd);
  }

  /** True if one of the two objects exists. */
  async exist(): Promise<boolean> {
    // Asked before each upload: on a disk the kernel has the names in memory, and a thread costs more than the answer.
    const { storage } = this;
    if (storage.localPath && slots.some((slot) => existsSync(storage.localPath!(this.#key(slot))))) return true;
    for (const slot of slots) if (await storage.stat(this.#key(slot))) return true;
    return false;
  }

  /** Writes the marker in place of the one before the last. Resolves to false if another one is there by then. */
  async write(marker: Marker): Promise<boolean> {
    const slot = (marker.generation % 2) as 0 | 1;
    const present = await this.#read(slot);
    if (present && present.generation >= marker.generation) return isSame(present, marker);
    if (present) await this.storage.delete(this.#key(slot));
    const text = JSON.stringify({ v: 1, ...marker });
    try {
      await this.storage.write(this.#key(slot), bytesOf(text), { size: text.length, type: 'application/json' });
    } catch (error) {
      if (!isFileFieldError(error, 'already_exists')) throw error;
    }
    // A storage that cannot create exclusively may have let two write.
    return isSame(await this.#read(slot), marker);
  }

  async #read(slot: 0 | 1): Promise<Marker | undefined> {
    const body = await this.storage.read(this.#key(slot)).catch((error: unknown) => {
      if (isFileFieldError(error, 'not_found')) return undefined;
      throw error;
    });
    return body && parse((await collect(body)).toString('utf8'));
  }

  #key(slot: 0 | 1): string {
    return fenceKey(this.identity, this.name, slot);
  }
}

export function isSame(one: Marker | undefined, other: Marker): boolean {
  return one?.generation === other.generation && one.token === other.token;
}

/** What cannot be read was not written by us: it counts as nothing. */
function parse(text: string): Marker | undefined {
  try {
    const { generation, token } = JSON.parse(text) as Partial<Marker>;
    return Number.isSafeInteger(generation) && typeof token === 'string'
      ? { generation: generation as number, token }
      : undefined;
  } catch {
    return undefined;
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text, 'utf8');
}
