import type { FileFieldError } from '../../errors.js';
import { invalidOption } from '../../options.js';
import type { Rule } from '../rule.js';
import { knownTypes, typeInstead } from '../types/known.js';

// A type, or a type with any subtype. Any type with any subtype is refused: leave the option out instead.
const pattern = /^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/;

/** Media types, judged by the bytes. */
export const accept: Rule = {
  name: 'accept',
  validate({ accept: patterns = [] }) {
    for (const one of patterns) {
      if (typeof one !== 'string' || !pattern.test(one)) {
        throw refused(one, 'write "image/png" or "image/*", or leave the option out to accept every type');
      }
      if ([...knownTypes].some((type) => typeMatches(type, [one]))) continue;
      const instead = typeInstead(one.toLowerCase());
      throw refused(
        one,
        instead
          ? `such files are stored as "${instead}": write that, and use "extensions" or "check" to accept fewer of them`
          : 'which no upload gets: docs/types.md lists the types; leave the option out and use "extensions" or "check" for others',
      );
    }
  },
  recognised({ size, type }, { accept: patterns, allowEmpty }) {
    if (!patterns || typeMatches(type, patterns)) return undefined;
    const accepted = `accepted are ${patterns.join(', ')}.`;
    if (size !== 0) {
      return {
        code: 'wrong_type',
        message: `The bytes are ${type}, which is not accepted; ${accepted}`,
        limit: patterns,
      };
    }
    // The rule for empty files says it better.
    if (allowEmpty === false) return undefined;
    return {
      code: 'wrong_type',
      message: `The file is empty, so it has none of the accepted types; ${accepted}`,
      limit: patterns,
    };
  },
};

function refused(one: unknown, sentence: string): FileFieldError {
  return invalidOption(`The option "accept" of a file field has ${JSON.stringify(one)}; ${sentence}.`);
}

/** True if a media type is one of the patterns, `type/subtype` or `type/*`. Parameters and case do not matter. */
export function typeMatches(type: string, patterns: readonly string[]): boolean {
  // Detection gives some types with parameters: Opus in Ogg is "audio/ogg; codecs=opus".
  const essence = type.split(';', 1)[0]!.trim().toLowerCase();
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase();
    return wanted.endsWith('/*') ? essence.startsWith(wanted.slice(0, -1)) : essence === wanted;
  });
}
