import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds that all threads of some processes have run. */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + threadsOf(pid).reduce((of, thread) => of + ran(pid, thread), 0), 0) / 1000;
}

function threadsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`);
}

/** Nanoseconds; a thread that has just ended has none. */
function ran(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
  } catch {
    return 0;
  }
}

/** Microseconds that the first thread of a process has run: the one that runs JavaScript. */
export const cpuOfThread = (pid: number) => ran(pid, String(pid)) / 1000;

/** Clock ticks that a process has run: in its own code, and in the kernel for it. */
export function ticksOf(pid: number): { readonly own: number; readonly kernel: number } {
  // Its name, in parentheses, may contain spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
  return { own: Number(fields[11]), kernel: Number(fields[12]) };
}

/** MiB of a process that are in memory. */
export function residentMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024;
}

/** A process and its children. */
export function familyOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
}
