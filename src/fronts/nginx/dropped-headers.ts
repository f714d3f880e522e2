/** Headers of a view's response that nginx drops when it sends the file itself, so that its configuration must add them. */
export const droppedHeaders: readonly string[] = [
  'X-Content-Type-Options',
  'Content-Security-Policy',
  'Cross-Origin-Resource-Policy',
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Expose-Headers',
  'Vary',
  'Referrer-Policy',
  'Strict-Transport-Security',
  'X-Frame-Options',
  'X-Robots-Tag',
  'Repr-Digest',
  'Content-Language',
  'Link',
  'X-Filefield-Delivery',
];

/** One directive for each of these headers, with names and values in two columns. */
export function forEachDropped(
  directive: string,
  name: (header: string) => string,
  value: (header: string) => string,
): string {
  const width = Math.max(...droppedHeaders.map((header) => name(header).length));
  return droppedHeaders.map((header) => `    ${directive} ${name(header).padEnd(width)} ${value(header)};`).join('\n');
}

/** A header's name as part of the name of a variable. */
export function variable(header: string): string {
  return header.toLowerCase().replaceAll('-', '_');
}
