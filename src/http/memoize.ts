// Longer texts are seldom seen twice, and 500 of them would be a burden.
const longestKey = 512;

/**
 * The same function, which remembers its last results: headers depend on few names, types and times, and are made for every
 * response. It must be pure. Keeps at most `limit` results, and none for texts of more than 512 characters.
 */
export function memoize<Key extends string | number, Result>(
  compute: (key: Key) => Result,
  limit = 500,
): (key: Key) => Result {
  const known = new Map<Key, Result>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const result = compute(key);
    if (typeof key === 'string' && key.length > longestKey) return result;
    if (known.size >= limit) known.clear();
    known.set(key, result);
    return result;
  };
}
