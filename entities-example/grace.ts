/**
 * Milliseconds between the release of a file and its deletion: one minute, so that you can watch it; an application should
 * wait longer. The migration of the triggers and `attachFiles` must use the same value.
 */
export function grace(): number {
  return Number(process.env.EXAMPLE_GRACE ?? 60_000);
}
