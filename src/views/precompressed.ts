import { isFileFieldError, type FileFieldErrorCode } from '../errors.js';
import type { FileSource } from '../file/file.js';
import { acceptedEncodings, type StoredEncoding } from '../http/encoding.js';
import { header, loadHint, type DownloadRequest } from '../response/request.js';

const suffixes: Readonly<Record<StoredEncoding, string>> = { br: '.br', gzip: '.gz', zstd: '.zst' };
// `invalid_key`: the key with the suffix is too long.
const absenceCodes: ReadonlySet<FileFieldErrorCode> = new Set(['not_found', 'missing', 'invalid_key']);

/** Compressed copies that are stored next to the files. */
export interface PrecompressedOptions {
  /**
   * Encodings in which copies may exist, in order of preference: `page.html.br`, `.gz`, `.zst` next to `page.html`. A
   * client that accepts one gets the copy, with the name and type of the original, an entity-tag of its own, and ranges.
   * Copies are always sent by this process. Costs one `stat` of the original and one attempt to open each copy that the
   * client accepts, until one exists.
   * @default none
   */
  readonly precompressed?: readonly StoredEncoding[];
}

/**
 * The file, or the compressed copy that the client prefers.
 *
 * @param fileWith makes the file whose path or key ends with the suffix; an empty suffix means the original
 */
export function precompressed<Raw>(
  request: DownloadRequest<Raw>,
  offered: readonly StoredEncoding[] | undefined,
  fileWith: (suffix: string) => FileSource,
): FileSource | Promise<FileSource> {
  const original = fileWith('');
  return offered && offered.length > 0 ? preferred(original, request, offered, fileWith) : original;
}

async function preferred<Raw>(
  original: FileSource,
  request: DownloadRequest<Raw>,
  offered: readonly StoredEncoding[],
  fileWith: (suffix: string) => FileSource,
): Promise<FileSource> {
  const accepted = acceptedEncodings(header(request, 'accept-encoding'), offered);
  // A copy must not be served after its original was deleted.
  if (accepted.length > 0) (await original.load?.({ head: true }))?.close?.();
  for (const encoding of accepted) {
    const copy = await loadCopy(() => fileWith(suffixes[encoding]), request);
    if (copy) return { ...copy, name: original.name, type: original.type, encoding };
  }
  return { ...original, encoding: 'identity' };
}

async function loadCopy<Raw>(file: () => FileSource, request: DownloadRequest<Raw>): Promise<FileSource | undefined> {
  try {
    return await file().load?.(loadHint(request));
  } catch (error) {
    if (isFileFieldError(error) && absenceCodes.has(error.code)) return undefined;
    throw error;
  }
}
