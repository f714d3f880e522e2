import { FileFieldError } from '../errors.js';
import type { DownloadRequest } from '../response/request.js';

/** The route must have the parameter: its absence is a mistake in the program, not in the request. */
export function routeParam(request: DownloadRequest, name: string): string {
  const value = request.params[name];
  if (typeof value === 'string') return value;
  throw new FileFieldError(
    'invalid_option',
    `The route has no parameter ":${name}"; mount the view on a path with one, or name another in the view's options.`,
  );
}
