import { byteSize, sizeText } from '../../options.js';
import type { FileFieldOptions } from '../field-options.js';
import type { Refusal, Rule } from '../rule.js';

/** Largest size. The declared size is judged here; the bytes that really come are counted while they are stored. */
export const maxSize: Rule = {
  name: 'maxSize',
  validate: (options) => void limitOf(options),
  declared({ size }, options) {
    const limit = limitOf(options);
    return limit !== undefined && size !== undefined && size > limit ? tooLarge(limit) : undefined;
  },
};

/** Largest size in bytes; undefined for no limit. */
export function limitOf(options: Pick<FileFieldOptions, 'maxSize'>): number | undefined {
  return options.maxSize === undefined ? undefined : byteSize('maxSize', options.maxSize);
}

/** The refusal of a file that is larger than the limit. */
export function tooLarge(limit: number): Refusal {
  return { code: 'too_large', message: `The file is larger than ${sizeText(limit)}.`, limit };
}
