import { duration, type Duration } from '../options.js';

/**
 * What happens to the bytes of a file that its row no longer refers to: they are deleted after the grace, kept for ever,
 * or deleted after `retain`, if that is longer than the grace.
 */
export type Retention = 'delete' | 'keep' | RetainFor;

/** A time that the bytes of a released file are kept. */
export interface RetainFor {
  /** How long; the grace is the minimum. */
  readonly retain: Duration;
}

/** What happens when a file of another row is assigned: see `FilePolicies.copies`. */
export type CopyPolicy = 'forbid' | 'copy' | 'share';

/** When the bytes of a file field are deleted, and whether rows may share them. */
export interface FilePolicies {
  /**
   * What happens to the old bytes when the field gets another file or null.
   * @default 'delete'
   */
  readonly onReplace?: Retention;
  /**
   * What happens to the bytes when the row is deleted.
   * @default 'delete'
   */
  readonly onDelete?: Retention;
  /**
   * What happens to the bytes when the row is soft-deleted. TypeORM only: MikroORM has no soft delete, and `attachFiles` throws
   * `unsupported`. With any value but `keep`, restoring the row after its bytes
   * have been deleted is refused.
   * @default 'keep'
   */
  readonly onSoftDelete?: Retention;
  /**
   * What happens when a file of another row or field is assigned. `forbid` refuses it with `already_bound`. `copy` copies
   * the bytes while the row is saved. `share` lets several rows refer to the same bytes, which are deleted with the last
   * of them. To copy outside of the transaction, stage the stored file: `files.stage(Document, 'file', other.file)`.
   * @default 'forbid'
   */
  readonly copies?: CopyPolicy;
}

/** Milliseconds that a released file is retained beyond the write that released it, or `'keep'`; the grace is the minimum. */
export function retentionTime(policy: Retention = 'delete', grace: number = 0): number | 'keep' {
  if (policy === 'keep') return policy;
  return Math.max(grace, policy === 'delete' ? 0 : duration('retain', policy.retain));
}
