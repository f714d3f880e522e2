import path from 'node:path';
import type { Rule } from '../rule.js';

/** File name extensions. */
export const extensions: Rule = {
  name: 'extensions',
  declared({ name }, { extensions: accepted }) {
    const extension = path.extname(name).toLowerCase();
    if (!accepted || accepted.some((one) => one.toLowerCase() === extension)) return undefined;
    return {
      code: 'wrong_type',
      message: `A file named "*${extension}" is not accepted; accepted are ${accepted.join(', ')}.`,
      limit: accepted,
    };
  },
};
