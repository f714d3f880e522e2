const hexadecimal = /^[0-9a-f]{64}$/i;
// One member of a dictionary of whole numbers (RFC 9651 section 3.2); parameters are allowed, and mean nothing here.
const member = /^([a-z*][a-z0-9_.*-]*)=(-?\d{1,15})(?:[ ]*;.*)?$/;

/**
 * The Repr-Digest header of a file whose SHA-256 is known (RFC 9530): of the whole file, whatever part of it is sent.
 * It is sent unasked, since it costs nothing. A client that says what it wants in Want-Repr-Digest gets it only if SHA-256
 * is among that with a weight above 0; a header that cannot be read counts as absent (RFC 9651 section 4.2).
 *
 * @param sha256 hexadecimal
 */
export function reprDigest(sha256: string | undefined, wanted: string | undefined): string | undefined {
  if (sha256 === undefined || !hexadecimal.test(sha256) || !isWanted(wanted)) return undefined;
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}

function isWanted(wanted: string | undefined): boolean {
  if (wanted === undefined || wanted.trim() === '') return true;
  let weight = 0;
  for (const part of wanted.split(',')) {
    const [, key, value] = member.exec(part.replace(/^[ \t]+|[ \t]+$/g, '')) ?? [];
    if (key === undefined) return true;
    // The last of two with one name counts.
    if (key === 'sha-256') weight = Number(value);
  }
  return weight > 0;
}
