import { apache } from './apache/apache.js';
import { caddy } from './caddy/caddy.js';
import type { Front } from './front.js';
import { lighttpd } from './lighttpd/lighttpd.js';
import { nginx } from './nginx/nginx.js';

/** All servers in front, by name. A new one is a folder that exports a `Front`, and a line here. */
export const fronts = { nginx, apache, lighttpd, caddy } as const satisfies Readonly<Record<string, Front>>;

/** The servers that can send files in place of the application: `nginx`, `apache`, `lighttpd` and `caddy`. */
export type FrontName = keyof typeof fronts;

/** The servers that read the header `X-Sendfile`: `apache` and `lighttpd`. */
export type SendfileFrontName = {
  [Name in FrontName]: (typeof fronts)[Name]['header'] extends 'x-sendfile' ? Name : never;
}[FrontName];

/** The names of all fronts, in the order in which help texts show them. */
export const frontNames = Object.keys(fronts) as readonly FrontName[];

/** The response headers that any front acts on. They can reveal paths, so no client may see them, whatever the front is. */
export const instructionHeaders: readonly string[] = [
  ...new Set(Object.values(fronts).flatMap(({ instructions }) => instructions)),
];
