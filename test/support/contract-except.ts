import type { Storage } from 'filefield';
import { storageContract, type StorageContractOptions } from 'filefield/testing';

/**
 * Runs the contract for a storage that breaks some claims, and fails when it keeps one of them. Races among them are not run:
 * a storage that cannot decide a race still gets it right now and then.
 */
export function contractExcept(
  broken: readonly string[],
  make: () => Promise<Storage> | Storage,
  options?: StorageContractOptions,
): void {
  const claims = storageContract(make, options);
  for (const { title, run } of claims) {
    if (races.includes(title) && broken.includes(title)) continue;
    if (broken.includes(title)) it(`breaks the claim: ${title}`, () => expect(run()).rejects.toThrow());
    else it(title, run);
  }
  it('breaks only claims that exist', () => {
    expect(claims.map(({ title }) => title)).toEqual(expect.arrayContaining([...broken]));
  });
}

/** The claims that only a storage keeps that can refuse a taken key itself. */
export const races: readonly string[] = [
  'lets exactly one of several simultaneous writes of one key succeed',
  'lets exactly one of several simultaneous writes of one large object succeed',
];
