import { invalidOption } from '../../options.js';
import type { Rule } from '../rule.js';

/** Whether a file may have no bytes. */
export const allowEmpty: Rule = {
  name: 'allowEmpty',
  validate({ allowEmpty: allowed }) {
    if (allowed === undefined || typeof allowed === 'boolean') return;
    throw invalidOption('The option "allowEmpty" of a file field must be true or false.');
  },
  recognised({ size }, { allowEmpty: allowed = true }) {
    if (allowed || size !== 0) return undefined;
    return { code: 'rejected', message: 'The file is empty; send one that has content.' };
  },
};
