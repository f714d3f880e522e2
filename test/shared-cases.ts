import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The cases of one file in the folder `shared/cases` beside the repository, which every implementation is measured
 * against. Undefined, loudly, where the folder is not there; an error in CI, where it must be.
 */
export function sharedCases<Case>(name: string): readonly Case[] | undefined {
  const file = path.resolve('..', 'shared', 'cases', name);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Case[];
  if (process.env.CI) throw new Error(`${name} is missing from ../shared/cases`);
  console.warn(`*** SKIPPED: ../shared/cases/${name} is not there; its cases were not run ***`);
  return undefined;
}
