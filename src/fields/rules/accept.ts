import type { FileFieldError } from '../../errors.js';
import { emptyList, invalidOption } from '../../options.js';
import type { Rule } from '../rule.js';
import { knownTypes, typeInstead } from '../types/known.js';

// A type, or a type with any subtype. Any type with any subtype is refused: leave the option out instead.
const pattern = /^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/;

/** Media types, judged by the bytes. */
export const accept: Rule = {
  name: 'accept',
  validate({ accept: patterns }) {
    if (patterns?.length === 0) throw emptyList('accept', 'type');
    for (const one of patterns ?? []) {
      if (typeof one !== 'string' || !pattern.test(one)) {
        throw refused(one, '; write "image/png" or "image/*", or leave the option out to accept every type');
      }
      if ([...knownTypes].some((type) => typeMatches(type, [one]))) continue;
      const instead = typeInstead(one.toLowerCase());
      const advice = instead
        ? `write "${instead}", the type under which such files are stored`
        : 'write a type that docs/types.md lists, or leave the option out and use "extensions" or "check"';
      throw refused(one, `, which no upload gets; ${advice}`);
    }
  },
  recognised({ size, type }, { accept: patterns, allowEmpty }) {
    if (!patterns || typeMatches(type, patterns)) return undefined;
    // The rule for empty files says it better.
    if (size === 0 && allowEmpty === false) return undefined;
    const what = size === 0 ? 'The file is empty, so it has none of the accepted types' : `The bytes are ${type}`;
    return { code: 'wrong_type', message: `${what}; accepted are ${patterns.join(', ')}.`, limit: patterns };
  },
};

function refused(one: unknown, what: string): FileFieldError {
  return invalidOption(`The option "accept" of a file field has ${JSON.stringify(one)}${what}.`);
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
