import { FileFieldError } from '../../errors.js';
import { checkKey } from '../../file/key.js';

/** The folder with a slash at its end; empty for the whole bucket or container. */
export function folderOf(storage: string, prefix: string): string {
  const folder = prefix.replace(/\/+$/, '');
  if (folder === '') return '';
  try {
    checkKey(folder);
  } catch (cause) {
    const text = `${storage} needs a prefix that is a path without empty parts.`;
    throw new FileFieldError('invalid_option', text, { cause });
  }
  // Services keep keys of at most 1024 bytes, those of this library have 512.
  if (Buffer.byteLength(folder) > 500) {
    throw new FileFieldError('invalid_option', `${storage} needs a prefix of at most 500 bytes.`);
  }
  return `${folder}/`;
}

/** The public address with a slash at its end. */
export function publicBase(storage: string, publicUrl: string): string {
  if (!URL.canParse(publicUrl) || /[?#]/.test(publicUrl)) {
    throw new FileFieldError('invalid_option', `${storage} needs a publicUrl such as https://files.example.`);
  }
  return publicUrl.replace(/\/*$/, '/');
}

/** A key as the path of a URL. */
export const encoded = (key: string) => key.split('/').map(encodeURIComponent).join('/');
