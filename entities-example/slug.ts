import { randomBytes } from 'node:crypto';
import path from 'node:path';

const longest = 80;

/** True for what may stand in a URL as it is: lower-case words joined by hyphens. */
export function isSlug(text: string): boolean {
  return text.length <= longest && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text);
}

/** Slugs for a file name, the plainest first; the last holds chance, so that somebody always finds a free one. */
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
    .slice(0, longest - 10)
    .replace(/-$/, '');
  return [base, `${base}-2`, `${base}-3`, `${base}-${randomBytes(4).toString('hex')}`];
}
