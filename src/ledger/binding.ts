import type { RowCondition } from './reference.js';

/** What a slot lets go of: `current` is what it holds now. */
export interface Release {
  readonly current: string | null;
  /** What the ORM believes that the slot held; finds files that no slot is known of. */
  readonly known?: string;
  /** The row is new: its slot held something only if a deleted row had the same key. */
  readonly fresh?: boolean;
  /** Milliseconds beyond the grace, or kept for ever. */
  readonly retain: number | 'keep';
}

export interface BindOptions {
  /** Whether several rows may have the file. */
  readonly copies?: 'forbid' | 'share' | undefined;
  /** Holds while the row is there. */
  readonly row?: RowCondition | undefined;
}
