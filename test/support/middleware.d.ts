/** Older versions of middleware beside the current ones, for the tests: what they use of both is alike. */
declare module 'morgan-old' {
  export { default } from 'morgan';
}
declare module 'compression-old' {
  export { default } from 'compression';
}
declare module 'express-session-old' {
  export { default } from 'express-session';
}
declare module 'response-time-old' {
  export { default } from 'response-time';
}
declare module 'cookie-session-old' {
  export { default } from 'cookie-session';
}
/** Middleware of Koa that has no types of its own. */
declare module 'koa-conditional-get' {
  import type { Middleware } from 'koa';

  export default function conditional(): Middleware;
}
