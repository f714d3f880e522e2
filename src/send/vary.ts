/** A Vary header that names what an answer depends on besides what middleware said before (RFC 9110 section 12.5.5). */
export function mergeVary(earlier: number | string | readonly string[] | undefined, own: string): string {
  const names = String(earlier ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = names.some((name) => name === '*' || name.toLowerCase() === own.toLowerCase());
  return known ? names.join(', ') : [...names, own].join(', ');
}
