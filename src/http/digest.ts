const hexadecimal = /^[0-9a-f]{64}$/i;
// A dictionary member whose value is a whole number (RFC 9651 section 3.2). Parameters are allowed and ignored.
const member = /^([a-z*][a-z0-9_.*-]*)=(-?\d{1,15})(?:[ ]*;.*)?$/;

/**
 * The Repr-Digest header of a file (RFC 9530), which covers the whole file also in a partial response. Undefined if the
 * hash is unknown, or if Want-Repr-Digest does not list `sha-256` with a weight above 0. Without Want-Repr-Digest the
 * header is sent, because it costs nothing. A Want-Repr-Digest that cannot be parsed is ignored (RFC 9651 section 4.2).
 *
 * @param sha256 the SHA-256 of the file, in hexadecimal
 * @param wantReprDigest the Want-Repr-Digest header of the request
 */
export function reprDigest(sha256: string | undefined, wantReprDigest: string | undefined): string | undefined {
  if (sha256 === undefined || !hexadecimal.test(sha256) || !isWanted(wantReprDigest)) return undefined;
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}

function isWanted(wantReprDigest: string | undefined): boolean {
  if (wantReprDigest === undefined || wantReprDigest.trim() === '') return true;
  let weight = 0;
  for (const part of wantReprDigest.split(',')) {
    const [, key, value] = member.exec(part.replace(/^[ \t]+|[ \t]+$/g, '')) ?? [];
    if (key === undefined) return true;
    // If a key is repeated, the last value counts.
    if (key === 'sha-256') weight = Number(value);
  }
  return weight > 0;
}
