/** A request target as it is sent; each tries to escape from the folder of a path view or is malformed. */
export interface PathCase {
  readonly title: string;
  readonly path: string;
  readonly status: readonly number[];
}

/** The text of the only file of the folder, `file.bin`. */
export const servedText = '0123456789A';

/** The text of `secret.txt` beside the folder, which no reply may contain. */
export const secretText = 'SECRET';

const row = (title: string, path: string, ...status: number[]): PathCase => ({ title, path, status });

export const pathCases: readonly PathCase[] = [
  row('returns 404 for unencoded dots', '/../secret.txt', 404),
  row('returns 404 for an encoded slash after dots', '/..%2fsecret.txt', 404),
  row('returns 404 for an encoded backslash after dots', '/..%5csecret.txt', 404),
  row('returns 404 for dots after a folder', '/sub/../../secret.txt', 404),
  row('returns 404 for a NUL byte', '/%00', 404),
  row('returns 404 for a slash after the name of a file', '/file.bin/', 404),
  row('returns 404 for two slashes before the name', '//file.bin', 404),
  // Hono decodes the path itself, and does not change malformed UTF-8.
  row('returns 400 or 404 for dots in overlong UTF-8', '/%c0%ae%c0%ae/secret.txt', 400, 404),
  row('returns 404 for a name below a file', '/file.bin/x', 404),
];
