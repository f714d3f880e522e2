import { isFileFieldError, type FileFieldErrorCode } from '../errors.js';
import type { FileSource } from '../file/file.js';
import { acceptedEncodings, type StoredEncoding } from '../http/encoding.js';
import { header, type DownloadRequest } from '../response/request.js';

const endings: Readonly<Record<StoredEncoding, string>> = { br: '.br', gzip: '.gz', zstd: '.zst' };
// The last: a key that the ending makes too long.
const absent: ReadonlySet<FileFieldErrorCode> = new Set(['not_found', 'missing', 'invalid_key']);

export interface PrecompressedOptions {
  /**
   * Encodings of which a file may lie beside the file, in order of preference: `page.html.br`, `.gz`, `.zst`. Clients
   * that accept one get its bytes, under the name and type of the file itself, with ranges and a tag of their own; they
   * are always sent by this process. Costs a look for the file and for each encoding that the client accepts.
   * @default none
   */
  readonly precompressed?: readonly StoredEncoding[];
}

/** The file with the ending given, or compressed beforehand, as the client would rather have it. */
export async function precompressed<Raw>(
  request: DownloadRequest<Raw>,
  offered: readonly StoredEncoding[] | undefined,
  fileWith: (ending: string) => FileSource,
): Promise<FileSource> {
  const plain = fileWith('');
  if (!offered || offered.length === 0) return plain;
  const accepted = acceptedEncodings(header(request, 'accept-encoding'), offered);
  // What is left beside a file that was deleted must not outlive it.
  if (accepted.length > 0) (await plain.load?.({ head: true }))?.close?.();
  for (const encoding of accepted) {
    const found = await loaded(() => fileWith(endings[encoding]), request);
    if (found) return { ...found, name: plain.name, type: plain.type, encoding };
  }
  return { ...plain, encoding: 'identity' };
}

async function loaded<Raw>(file: () => FileSource, request: DownloadRequest<Raw>): Promise<FileSource | undefined> {
  try {
    return await file().load?.({ head: request.method === 'HEAD', range: header(request, 'range') });
  } catch (error) {
    if (isFileFieldError(error) && absent.has(error.code)) return undefined;
    throw error;
  }
}
