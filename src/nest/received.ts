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
 * with class-transformer; the copy of a stored file has its name, but is not the file. Other stored files stay, such as that
 * of a user whom a guard has loaded.
 */
export function restoreFiles(value: unknown): unknown {
  const values = received.getStore();
  if (!values || !isObject(value) || isStoredFile(value)) return value;
  const original = originalOf(value);
  if (original) return original;
  for (const [property, copy] of Object.entries(value)) {
    const restored = isStoredFile(copy) ? undefined : originalOf(copy, property);
    if (restored) Object.assign(value, { [property]: restored });
  }
  return value;
}

/**
 * The received file or files that a value is, or is a copy of. Two files may look alike, so that of the property comes
 * first.
 */
export function originalOf(value: unknown, property = ''): StoredFile | StoredFile[] | undefined {
  const values = received.getStore() ?? {};
  const own = Object.hasOwn(values, property) ? [values[property]!].flat() : [];
  const all = [...own, ...Object.values(values).flat()];
  const one = (copy: unknown, first = own[0]) =>
    isStoredFile(copy) ? copy : [first, ...all].find((file) => file && isCopy(copy, file));
  if (!Array.isArray(value)) return one(value);
  const originals = value.map((copy: unknown, index) => one(copy, own[index])).filter((file) => file !== undefined);
  return value.length > 0 && originals.length === value.length ? originals : undefined;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function isCopy(value: unknown, file: StoredFile): boolean {
  if (!isObject(value)) return false;
  const json = Object.entries(file.toJSON());
  return Object.keys(value).length === json.length && json.every(([name, one]) => value[name as never] === one);
}
