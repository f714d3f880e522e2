import { FileFieldError } from '../../errors.js';
import type { Rule } from '../rule.js';

// A type, or a type with any subtype. Any type with any subtype is refused: leave the option out instead.
const pattern = /^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/;

/** Media types, judged by the bytes. */
export const accept: Rule = {
  name: 'accept',
  validate({ accept: patterns = [] }) {
    const wrong = patterns.find((one) => typeof one !== 'string' || !pattern.test(one));
    if (wrong === undefined) return;
    throw new FileFieldError(
      'invalid_option',
      `The option "accept" of a file field has ${JSON.stringify(wrong)}; write "image/png" or "image/*", or leave the option out to accept every type.`,
    );
  },
  recognised({ type }, { accept: patterns }) {
    if (!patterns || typeMatches(type, patterns)) return undefined;
    return {
      code: 'wrong_type',
      message: `The bytes are ${type}, which is not accepted; accepted are ${patterns.join(', ')}.`,
      limit: patterns,
    };
  },
};

/** True if a media type is one of the patterns, `type/subtype` or `type/*`. Parameters and case do not matter. */
export function typeMatches(type: string, patterns: readonly string[]): boolean {
  // Detection gives some types with parameters: Opus in Ogg is "audio/ogg; codecs=opus".
  const essence = type.split(';', 1)[0]!.trim().toLowerCase();
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase();
    return wanted.endsWith('/*') ? essence.startsWith(wanted.slice(0, -1)) : essence === wanted;
  });
}
