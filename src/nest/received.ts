import { AsyncLocalStorage } from 'node:async_hooks';
import { isStoredFile, type StoredFile } from '../file/stored-file.js';

/** The files of a form, by property: a list where several are allowed. */
export type ReceivedValues = Readonly<Record<string, StoredFile | readonly StoredFile[]>>;

const received = new AsyncLocalStorage<ReceivedValues>();

/** Runs the pipes and the handler of a request whose files are these. */
export function withReceived<Result>(values: ReceivedValues, work: () => Result): Result {
  return received.run(values, work);
}

/**
 * Puts the received files where pipes have put copies. `ValidationPipe` copies every object of the body, property by property,
 * with class-transformer; the copy of a stored file has its name, but is not the file.
 */
export function restoreFiles(value: unknown): unknown {
  const values = received.getStore();
  if (!values || typeof value !== 'object' || value === null) return value;
  const original = originalOf(value, values);
  if (original) return original;
  for (const [property, copy] of Object.entries(value)) {
    const own = Object.hasOwn(values, property) && isObject(copy) ? values[property] : undefined;
    const restored = own ?? originalOf(copy, values);
    if (restored !== undefined && restored !== copy) Object.assign(value, { [property]: restored });
  }
  return value;
}

/** The received file or files that a value is, or is a copy of. */
export function originalOf(value: unknown, values = received.getStore()): StoredFile | StoredFile[] | undefined {
  if (isStoredFile(value)) return value;
  if (!values || !isObject(value)) return undefined;
  if (Array.isArray(value)) {
    const originals = value.map((one) => originalOf(one, values)).filter((one) => isStoredFile(one));
    return value.length > 0 && originals.length === value.length ? originals : undefined;
  }
  return Object.values(values)
    .flat()
    .find((file) => isCopy(value, file));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isCopy(value: object, file: StoredFile): boolean {
  const json = Object.entries(file.toJSON());
  return Object.keys(value).length === json.length && json.every(([name, one]) => value[name as never] === one);
}
