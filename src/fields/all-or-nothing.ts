/**
 * Does the work for all items, some at a time, and keeps their order. When one fails, no further one is begun, the ones
 * under way are waited for, all results are undone, and the first failure is thrown.
 */
export async function allOrNothing<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Result>,
  undo: (result: Result) => Promise<void>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results.set(index, await work(items[index]!));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  if (failures.length === 0) return items.map((_, index) => results.get(index)!);
  for (const result of results.values()) await undo(result);
  throw failures[0];
}
