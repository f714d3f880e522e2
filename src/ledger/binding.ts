import type { CopyPolicy } from './policies.js';
import type { RowCondition } from './reference.js';

/** What a slot lets go of: `current` is what it holds now. */
export interface Release {
  readonly current: string | null;
  /** What the ORM believes that the slot held; finds files that no slot is known of. */
  readonly known?: string;
  /** Milliseconds beyond the grace, or kept for ever. */
  readonly retain: number | 'keep';
}

export interface BindOptions {
  /** Whether several rows may have the file. */
  readonly copies?: CopyPolicy | undefined;
  /** Holds while the row is there. */
  readonly row?: RowCondition | undefined;
}
