/** How bytes may have been compressed beforehand: names of content codings (RFC 9110 section 8.4.1, RFC 8878). */
export type StoredEncoding = 'br' | 'gzip' | 'zstd';

const element = /^([\w!#$%&'*+.^`|~-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/**
 * Which of the offered encodings a client would rather have than the plain bytes, the best first (RFC 9110 section
 * 12.5.3); equals in the order of the offer. None where there is no header, or one that cannot be read: then every
 * encoding would do, and the plain bytes are the safe choice.
 */
export function acceptedEncodings(
  header: string | undefined,
  offered: readonly StoredEncoding[],
): readonly StoredEncoding[] {
  const weights = parseWeights(header);
  if (!weights) return [];
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*');
  // What nobody mentions: plain bytes are acceptable still, but less than anything that was asked for.
  const plain = weightOf('identity') ?? 0;
  return offered
    .map((name) => ({ name, weight: weightOf(name) ?? 0 }))
    .filter(({ weight }) => weight > 0 && weight >= plain)
    .sort((a, b) => b.weight - a.weight)
    .map(({ name }) => name);
}

/** Names in lower case; undefined for a header that is absent or breaks the grammar. */
function parseWeights(header: string | undefined): ReadonlyMap<string, number> | undefined {
  if (header === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of header.split(',')) {
    const text = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (text === '') continue;
    const [, name, weight = '1'] = element.exec(text) ?? [];
    if (name === undefined) return undefined;
    // An old name of the same (section 8.4.1.3).
    weights.set(name.toLowerCase().replace(/^x-gzip$/, 'gzip'), Number(weight));
  }
  return weights;
}
