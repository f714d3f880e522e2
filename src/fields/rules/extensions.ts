import path from 'node:path';
import { FileFieldError } from '../../errors.js';
import { emptyList } from '../../options.js';
import type { Rule } from '../rule.js';

/** File name extensions. */
export const extensions: Rule = {
  name: 'extensions',
  validate({ extensions: accepted }) {
    if (accepted?.length === 0) throw emptyList('extensions', 'extension');
    const wrong = accepted?.find((one) => typeof one !== 'string' || !/^\.[^./\\]+$/.test(one));
    if (wrong === undefined) return;
    throw new FileFieldError(
      'invalid_option',
      `The option "extensions" of a file field has ${JSON.stringify(wrong)}; write a dot and the last part of the name, such as ".pdf".`,
    );
  },
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
