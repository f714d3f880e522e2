const MiB = 1024 * 1024;

/** Limits of S3, which other servers share. */
export const smallestPart = 5 * MiB;
export const largestObject = 5 * 1024 * 1024 * MiB;
export const mostParts = 10_000;
/** The largest part that is made for bodies of unknown length: beyond it, memory would be the limit. */
const largestGrown = 1280 * MiB;
const partsPerStep = 800;

/**
 * The size of a part. If the length of the body is known, all have one size, so that 10,000 are enough. Otherwise it
 * doubles every 800 parts up to 1.25 GiB: 10,000 parts then hold 5 TiB.
 */
export function sizeOfPart(number: number, smallest: number, total?: number): number {
  if (total !== undefined) return Math.max(smallest, Math.ceil(total / mostParts / MiB) * MiB);
  const grown = smallest * 2 ** Math.floor((number - 1) / partsPerStep);
  return Math.max(smallest, Math.min(grown, largestGrown));
}
