import { FileFieldError } from '../errors.js';
import type { Download } from '../response/download.js';

/**
 * The URL where the file of a response can be fetched from its storage, under the name and type that the view gave it;
 * undefined when there is none. Good for no longer than what let the client in.
 */
export async function fileUrl(
  { file, headers, expires }: Download,
  method: 'GET' | 'HEAD',
  life: number,
): Promise<string | undefined> {
  const left = expires ? expires.getTime() - Date.now() : Infinity;
  // The moment it ends: the view lets it through, nobody else would.
  if (left < 1000) return undefined;
  const url = await file?.url?.({
    method,
    expiresIn: Math.min(life, left),
    contentType: headers['content-type'],
    contentDisposition: headers['content-disposition'],
  });
  if (url === undefined || /^https?:\/\/[\x21-\x7e]+$/.test(url)) return url;
  throw new FileFieldError(
    'storage_failed',
    'A storage made a URL that no client could use: it must be absolute, encoded, http(s).',
  );
}
