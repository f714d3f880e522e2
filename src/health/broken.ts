import { FileFieldError } from '../errors.js';

/** An error for a link, with a sentence of its own. Whoever has `details` reads it: no path, key or URL belongs in it. */
export function broken(sentence: string, cause?: unknown): FileFieldError {
  return new FileFieldError('unhealthy', sentence, { cause });
}
