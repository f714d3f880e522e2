import { FileFieldError } from '../../errors.js';
import type { Refusal, Rule } from '../rule.js';

/**
 * The application's own check of an upload, such as a virus scan or the dimensions of an image. It runs last: all bytes are
 * stored, and no row can refer to them yet. The sentence that it returns becomes the message of a `rejected` error.
 */
export const check: Rule = {
  name: 'check',
  validate(options) {
    if (options.check === undefined || typeof options.check === 'function') return;
    throw new FileFieldError('invalid_option', 'The option "check" of a file field must be a function.');
  },
  stored: (upload, options, signal) => options.check && refusalOf(options.check(upload, signal)),
};

async function refusalOf(sentence: string | void | Promise<string | void>): Promise<Refusal | undefined> {
  const message = await sentence;
  return message ? { code: 'rejected', message } : undefined;
}
