/**
 * Whether every condition says something. A value that a request lacks, undefined or null, would be no condition at all
 * to one ORM and "is null" to another; either way the scope would be wider than meant. An ORM's own operators are not
 * looked into.
 */
export function isComplete(conditions: unknown): boolean {
  if (conditions === undefined || conditions === null) return false;
  if (Array.isArray(conditions)) return conditions.every(isComplete);
  if (!isPlain(conditions)) return true;
  return Object.entries(conditions).every(([name, value]) => name.startsWith('$') || isComplete(value));
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
