/**
 * Milliseconds that bytes outlive their row: a minute, to let you watch them go; a real application has reasons to wait
 * longer. Triggers cannot ask the application, so its migration and `attachFiles` must be told the same.
 */
export function grace(): number {
  return Number(process.env.EXAMPLE_GRACE ?? 60_000);
}
