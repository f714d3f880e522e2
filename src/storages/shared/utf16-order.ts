/**
 * Services list keys by their bytes of UTF-8, this library by UTF-16 code units. The two differ only where a character beyond
 * U+FFFF, such as an emoji, meets one from U+E000 to U+FFFF, such as a full-width letter: all other keys keep their place.
 */
const firstSurrogate = '\uD800';

/** Position of the first code unit whose place differs between the orders; -1 if there is none. */
function differsAt(key: string): number {
  return key.search(/[\uD800-\uFFFF]/);
}

/** A key after which a service lists every key that is greater than `after` in our order, and few others. */
export function listedAfter(after: string): string {
  const position = differsAt(after);
  return position < 0 ? after : `${after.slice(0, position)}\uD7FF`;
}

/**
 * Objects in the order of UTF-16 code units, from a listing in the order of UTF-8. The keys that share what is before such
 * a character, and have one at this place, are sorted in memory: a consecutive few in practice.
 */
export async function* inUtf16Order<Listed extends { readonly key: string }>(
  listing: AsyncIterable<Listed>,
): AsyncGenerator<Listed, void, undefined> {
  let held: Listed[] = [];
  let start = '';
  const sorted = () => held.splice(0).sort((one, other) => (one.key < other.key ? -1 : 1));
  for await (const object of listing) {
    const { key } = object;
    if (held.length > 0 && key.startsWith(start) && key.charAt(start.length) >= firstSurrogate) {
      held.push(object);
      continue;
    }
    yield* sorted();
    const position = differsAt(key);
    if (position < 0) yield object;
    else {
      start = key.slice(0, position);
      held = [object];
    }
  }
  yield* sorted();
}
