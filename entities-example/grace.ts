/**
 * Milliseconds between the release of a file and its deletion: one minute, so that you can watch it; an application should
 * wait longer. The migration that calls `protectFiles` and `attachFiles` must use the same value.
 */
export function grace(): number {
  return Number(process.env.EXAMPLE_GRACE ?? 60_000);
}
