import { FileFieldError } from '../errors.js';
import type { PreparedResponse } from './prepared-response.js';

/** For the Allow header, which 405 must have (RFC 9110 section 15.5.6). */
const allow = 'GET, HEAD, OPTIONS';

/**
 * What a method alone decides, before anything is looked at: undefined for GET and HEAD, which go on; 204 with Allow for
 * OPTIONS, whatever is behind the route. Throws `method_not_allowed` for all others.
 */
export function methodResponse(method: string): PreparedResponse | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  if (method === 'OPTIONS') return { status: 204, headers: { allow }, open: null, close: () => undefined };
  throw new FileFieldError('method_not_allowed', `A download answers ${allow} only.`);
}
