import type { ObjectName } from '../events.js';
import { nextTurn } from '../file/promise.js';
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

/** Turns of the event loop at most in which more intents are waited for. */
const maximumTurns = 8;

/** Milliseconds that a turn takes in which there was nothing to do. */
const idleTurn = 0.05;

/**
 * Writes the intents of concurrent uploads together: all that arrive while one commit is under way share the next one. While
 * the process has other work to do, it does that first, since other uploads may reach this point meanwhile; without other
 * work, an intent waits for some microseconds.
 */
export class Intents {
  #waiting: Waiting[] = [];
  #writing = false;

  /** `write` resolves to the ids that it has recorded; `lull` is that of the connection. */
  constructor(
    private readonly write: (intents: readonly Intent[]) => Promise<ReadonlySet<string>>,
    private readonly lull?: () => Promise<void>,
  ) {}

  /** Resolves once the intent is committed: to true, or to false when its key is taken. */
  add(intent: Intent): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ intent, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      await otherWork();
      await this.lull?.();
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

/** Resolves when the event loop has nothing else to do, or after some turns. */
async function otherWork(): Promise<void> {
  for (let turn = 0; turn < maximumTurns; turn += 1) {
    const start = performance.now();
    await nextTurn();
    if (performance.now() - start < idleTurn) return;
  }
}
