import { duration, type Duration } from '../options.js';

/**
 * What happens to the bytes of a file that its row no longer refers to: they are deleted after the grace, kept for ever,
 * or deleted after a time of their own.
 */
export type Retention = 'delete' | 'keep' | RetainFor;

/** A time that the bytes of a released file are kept. */
export interface RetainFor {
  /** How long, instead of the grace. `'0s'`: the next sweep deletes them. */
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
   * What happens to the bytes when the row is soft-deleted. With any value but `keep`, restoring the row after its bytes
   * have been deleted is refused. TypeORM only: MikroORM has no soft delete, and its `attachFiles` throws `unsupported`.
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

/** Milliseconds from the release of a file until its bytes may be deleted, or `'keep'`. */
export function retentionTime(policy: Retention | undefined, grace: number): number | 'keep' {
  if (policy === 'keep') return policy;
  return policy === undefined || policy === 'delete' ? grace : duration('retain', policy.retain);
}
