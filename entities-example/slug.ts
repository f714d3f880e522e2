import { randomBytes } from 'node:crypto';
import path from 'node:path';

const maxLength = 80;

/** True for lower-case words joined by hyphens, which need no encoding in a URL. */
export function isSlug(text: string): boolean {
  return text.length <= maxLength && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text);
}

/** Slugs for a file name, the simplest first; the last has a random part, so that one of them is free. */
export function slugsFor(fileName: string): readonly string[] {
  const words = path
    .parse(fileName)
    .name.normalize('NFKD')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replace(/\p{Mark}/gu, '')
    .match(/[a-z0-9]+/g);
  const base = (words ?? ['file'])
    .join('-')
    .slice(0, maxLength - 10)
    .replace(/-$/, '');
  return [base, `${base}-2`, `${base}-3`, `${base}-${randomBytes(4).toString('hex')}`];
}
