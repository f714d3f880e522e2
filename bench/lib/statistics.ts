/** The middle of some values, and the quarters around it. */
export interface Spread {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => {
    const position = (sorted.length - 1) * share;
    const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
    return low + (high - low) * (position % 1);
  };
  return { q1: at(0.25), median: at(0.5), q3: at(0.75) };
}

/** The values in a random order. */
export function shuffled<Value>(values: Iterable<Value>): Value[] {
  const keyed = [...values].map((value) => ({ value, key: Math.random() }));
  return keyed.sort((one, other) => one.key - other.key).map(({ value }) => value);
}
