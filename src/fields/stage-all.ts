import type { Upload } from '../file/upload.js';
import { wholeNumber } from '../options.js';
import { allOrNothing } from './all-or-nothing.js';
import type { StagingOptions } from './stage.js';
import { toUpload, type UploadSource } from './upload-source.js';

/** How many files are staged. */
export interface StageAllOptions extends StagingOptions {
  /**
   * Uploads at one time, at least 1.
   * @default 4
   */
  readonly concurrency?: number | undefined;
}

/** What happens to the files of many sources. */
interface Keeping<File> {
  readonly keep: (upload: Upload, options: StagingOptions) => Promise<File>;
  readonly discard: (file: File) => Promise<void>;
  /** Gets what fails while the sources are closed. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Keeps the files of all sources or of none. All sources are looked at first, so that the errors of waiting streams are
 * heard; all are closed in the end, also those that were never begun.
 */
export async function stageAll<File>(
  sources: readonly UploadSource[],
  { keep, discard, onFault }: Keeping<File>,
  { concurrency = 4, ...staging }: StageAllOptions,
): Promise<File[]> {
  const made = await Promise.allSettled(sources.map((source) => toUpload(source)));
  const uploads = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    wholeNumber('concurrency', concurrency, { from: 1 });
    const refused = made.find((one) => one.status === 'rejected');
    if (refused) throw refused.reason;
    return await allOrNothing(uploads, concurrency, (upload) => keep(upload, staging), discard);
  } finally {
    await Promise.all(uploads.map((upload) => upload.close(onFault)));
  }
}
