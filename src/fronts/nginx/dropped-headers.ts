import type { CheckedSetup } from '../setup.js';

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

/** One `add_header` for each of these headers, with the value of a variable, and for those of the site. */
export function addHeaders(value: (header: string) => string, site: CheckedSetup['headers']): string {
  const given = new Set(site.map(([header]) => header.toLowerCase()));
  const dropped = droppedHeaders.filter((header) => !given.has(header.toLowerCase()));
  return lines('add_header', [
    ...dropped.map((header) => [header, value(header)] as const),
    ...site.map(([header, text]) => [header, `"${text}"`] as const),
  ]);
}

/** One `set` for each of these headers: a variable that keeps it when nginx makes another request. */
export function keepHeaders(): string {
  return lines(
    'set',
    ['ETag', 'Last-Modified', ...droppedHeaders].map((header) => [
      `$filefield_${variable(header)}`,
      `$upstream_http_${variable(header)}`,
    ]),
  );
}

/** Directives with names and values in two columns. */
function lines(directive: string, rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `    ${directive} ${name.padEnd(width)} ${value};`).join('\n');
}

/** A header's name as part of the name of a variable. */
export function variable(header: string): string {
  return header.toLowerCase().replaceAll('-', '_');
}
