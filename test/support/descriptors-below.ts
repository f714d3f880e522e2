import { readdirSync, readlinkSync } from 'node:fs';

/** The number of open descriptors of this process on a file, or on files in a folder. */
export function descriptorsBelow(place: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(place);
    } catch {
      return false;
    }
  }).length;
}
