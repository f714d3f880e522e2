import type { ListedObject } from '../../file/storage.js';

type Listing = AsyncIterator<ListedObject, unknown, undefined>;

/** Listings in one order as one listing; an object that is in several is listed once, as the first of them has it. */
export async function* merge(
  listings: readonly AsyncIterable<ListedObject>[],
): AsyncGenerator<ListedObject, void, undefined> {
  const open: Listing[] = listings.map((listing) => listing[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(open.map((listing) => listing.next()));
    for (;;) {
      let least: ListedObject | undefined;
      for (const { done, value } of heads) if (!done && (!least || value.key < least.key)) least = value;
      if (!least) return;
      yield least;
      const { key } = least;
      for (const [index, head] of heads.entries())
        if (!head.done && head.value.key === key) heads[index] = await open[index]!.next();
    }
  } finally {
    await Promise.all(open.map((listing) => listing.return?.()));
  }
}
