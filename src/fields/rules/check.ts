import type { Rule } from '../rule.js';

/** The application's own check. It runs once all bytes are stored, and before any row can refer to them. */
export const check: Rule = {
  name: 'check',
  async stored(upload, options) {
    const message = await options.check?.(upload);
    return message ? { code: 'rejected', message } : undefined;
  },
};
