/** An object that is about to be stored. */
export interface Intent {
  readonly id: string;
  readonly storage: string;
  readonly key: string;
}

interface Waiting {
  readonly intent: Intent;
  readonly resolve: (recorded: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Statements have a limit of parameters; so many share a commit well enough. */
const atOnce = 100;

/**
 * Writes the intents of uploads that run at the same time together: all that come while one commit is under way share the
 * next. An upload that is alone waits for nobody.
 */
export class Intents {
  #waiting: Waiting[] = [];
  #writing = false;

  /** `write` resolves to the ids that are recorded now. */
  constructor(private readonly write: (intents: readonly Intent[]) => Promise<ReadonlySet<string>>) {}

  /** Resolves once the intent is committed, to false when its key is taken. */
  add(intent: Intent): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ intent, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    // Those that begin in this very moment are together from the start.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, atOnce);
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
