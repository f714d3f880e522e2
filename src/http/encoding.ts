/** A content coding that files may be stored in (RFC 9110 section 8.4.1, RFC 8878). */
export type StoredEncoding = 'br' | 'gzip' | 'zstd';

const element = /^([\w!#$%&'*+.^`|~-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/**
 * The offered encodings that the client prefers to the plain bytes, best first (RFC 9110 section 12.5.3). Encodings of
 * equal weight keep the order of `offered`. Empty without a header, or with one that cannot be parsed: plain bytes are
 * then the safe choice.
 *
 * @param header the Accept-Encoding header of the request
 */
export function acceptedEncodings(
  header: string | undefined,
  offered: readonly StoredEncoding[],
): readonly StoredEncoding[] {
  const weights = parseWeights(header);
  if (!weights) return [];
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*');
  // If the header does not mention identity, plain bytes are acceptable but every listed encoding is preferred.
  const plain = weightOf('identity') ?? 0;
  return offered
    .map((name) => ({ name, weight: weightOf(name) ?? 0 }))
    .filter(({ weight }) => weight > 0 && weight >= plain)
    .sort((a, b) => b.weight - a.weight)
    .map(({ name }) => name);
}

/** The weight of each encoding, by its name in lower case. Undefined if the header is absent or has a syntax error. */
function parseWeights(header: string | undefined): ReadonlyMap<string, number> | undefined {
  if (header === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const text = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (text === '') continue;
    const [, name, weight = '1'] = element.exec(text) ?? [];
    if (name === undefined) return undefined;
    // x-gzip is an alias of gzip (section 8.4.1.3).
    weights.set(name.toLowerCase().replace(/^x-gzip$/, 'gzip'), Number(weight));
  }
  return weights;
}
