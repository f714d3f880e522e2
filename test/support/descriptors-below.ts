import { readdirSync, readlinkSync } from 'node:fs';

/** How many descriptors this process holds on a file, or on files of a folder. All others come and go as they like. */
export function descriptorsBelow(place: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(place);
    } catch {
      return false;
    }
  }).length;
}
