import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidOption } from './options.js';

/** A secret key for signatures. */
export interface SigningKey {
  /** Identifies the key in what it signs: 1 to 64 letters, digits, `.`, `_` and `-`. Not secret. */
  readonly id: string;
  /** At least 32 random bytes; text counts as UTF-8. */
  readonly secret: string | Uint8Array;
}

/**
 * Keys that sign text and verify it (HMAC-SHA-256). The first signs, all verify: to rotate, put a new key first, and remove
 * the old one when everything that it signed has expired.
 */
export class KeyRing {
  /** The id of the key that signs. */
  readonly signer: string;
  readonly #secrets: ReadonlyMap<string, Buffer>;

  /** Throws `invalid_option` without a key, for ids that are invalid or not unique, and for a secret under 32 bytes. */
  constructor(keys: readonly SigningKey[], owner: string) {
    this.#secrets = new Map(keys.map((key) => [key.id, secretOf(key)]));
    const [first] = keys;
    if (!first || this.#secrets.size < keys.length) {
      throw invalidOption(`${owner} needs at least one key, and each key needs an id of its own.`);
    }
    this.signer = first.id;
  }

  /** Whether there is a key with this id. */
  has(id: string): boolean {
    return this.#secrets.has(id);
  }

  /** The signature of a text by the first key, in base64url. */
  sign(text: string): string {
    return this.#hmac(this.signer, text);
  }

  /**
   * True if the key signed the text. Compares in constant time, as text and not decoded, because several base64 texts stand
   * for the same bytes.
   */
  verifies(id: string, text: string, signature: string): boolean {
    if (!this.has(id)) return false;
    const [given, expected] = [Buffer.from(signature), Buffer.from(this.#hmac(id, text))];
    return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
  }

  #hmac(id: string, text: string): string {
    return createHmac('sha256', this.#secrets.get(id)!).update(text).digest('base64url');
  }
}

function secretOf({ id, secret }: SigningKey): Buffer {
  if (!/^[\w.-]{1,64}$/.test(id))
    throw invalidOption('The id of a signing key must be 1 to 64 letters, digits, ".", "_" and "-".');
  const bytes = Buffer.from(secret as string);
  if (bytes.byteLength < 32) throw invalidOption(`The secret of the signing key "${id}" is shorter than 32 bytes.`);
  return bytes;
}
