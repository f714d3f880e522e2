import type { ObjectName } from '../events.js';
import type { OwnedColumn } from './owner.js';

/** An object that is about to be stored, and the column that it is stored for. */
export interface Intent extends ObjectName, OwnedColumn {}

interface Waiting {
  readonly intent: Intent;
  readonly resolve: (recorded: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Intents in one statement at most; databases limit the number of parameters. */
const maximumBatch = 100;

/**
 * Writes the intents of concurrent uploads together: all that arrive while one commit is under way share the next one. A
 * single upload does not wait.
 */
export class Intents {
  #waiting: Waiting[] = [];
  #writing = false;

  /** `write` resolves to the ids that it has recorded. */
  constructor(private readonly write: (intents: readonly Intent[]) => Promise<ReadonlySet<string>>) {}

  /** Resolves once the intent is committed: to true, or to false when its key is taken. */
  add(intent: Intent): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ intent, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    // Intents of the same tick are written together from the start.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, maximumBatch);
      try {
        const recorded = await this.write(batch.map(({ intent }) => intent));
        for (const { intent, resolve } of batch) resolve(recorded.has(intent.id));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = false;
  }
}
