import type { Stats } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { FileFieldError } from '../errors.js';
import { errno } from './disk-error.js';
import { mendName } from './name.js';
import { OpenFile } from './open-file.js';
import { makeUpload, type Upload } from './upload.js';

/** Properties that multer gives its files, and that are not used. */
export interface MulterProperties {
  /** The uploader's file name. One that multer has decoded as Latin-1 is mended. */
  readonly originalname?: string | undefined;
  /** Bytes that the file must have. */
  readonly size?: number | undefined;
  /** Not used. */
  readonly fieldname?: string | undefined;
  /** Not used. */
  readonly encoding?: string | undefined;
  /** Not used: the bytes decide. */
  readonly mimetype?: string | undefined;
  /** Not used. */
  readonly destination?: string | undefined;
  /** Not used. */
  readonly filename?: string | undefined;
  /** Not used. */
  readonly stream?: unknown;
}

/** A file on this machine, such as a file of multer's disk engine. */
export interface FileOnDisk extends MulterProperties {
  /** Path; a relative one is resolved against the working directory. */
  readonly path: string;
  /** Not used. */
  readonly buffer?: unknown;
  /**
   * True for a temporary file: it is moved into the storage where that is possible, and is gone afterwards, also when the
   * upload is refused. Nothing may write to it any more.
   * @default false: the file stays as it is
   */
  readonly temporary?: boolean | undefined;
}

/** When the file of a path is opened. */
export interface LocalUploadOptions {
  /**
   * True to open it now, which also tells its size; a file that cannot be opened now is only looked for.
   * @default false: when its first byte is wanted, so that many uploads that wait hold no descriptors
   */
  readonly opens?: boolean;
}

/**
 * The upload of a file on this machine. A change between its opening and its last byte is `incomplete`. Rejects with
 * `not_found`, and with `invalid_value` for a path that is not a file.
 */
export async function localUpload(
  { path: file, originalname, size, temporary }: FileOnDisk,
  { opens = false }: LocalUploadOptions = {},
): Promise<Upload> {
  let opening: Promise<OpenFile> | undefined = opens ? OpenFile.at(file) : undefined;
  const found = (await opening?.catch(() => (opening = undefined))) ?? (await lookFor(file));
  const opened = () => (opening ??= OpenFile.at(file));
  const isAt = async (other: string) => (await opened()).isUnchanged() && (await (await opened()).isAt(other));
  return makeUpload({
    name: originalname === undefined ? path.basename(file) : mendName(originalname),
    size: size ?? found.size,
    begin: () => chunksOf(opened()),
    async release() {
      const own = await opening?.catch(() => undefined);
      try {
        // A file that was moved may have a successor at its path.
        if (temporary && (!own || (await own.isAt(file)))) await remove(file);
      } finally {
        own?.close();
      }
    },
    readAt: async (buffer, position) => (await opened()).read(buffer, position),
    ...(temporary && { movable: { path: file, isAt } }),
  });
}

async function* chunksOf(opened: Promise<OpenFile>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* (await opened).chunks();
}

async function lookFor(file: string): Promise<Stats> {
  const stats = await stat(file).catch((cause: unknown) => {
    throw new FileFieldError('not_found', 'The local file to upload cannot be found.', { cause });
  });
  if (!stats.isFile()) throw new FileFieldError('invalid_value', 'The local path to upload is not a file.');
  return stats;
}

async function remove(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (errno(error) !== 'ENOENT') throw error;
  });
}
