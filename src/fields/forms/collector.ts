import { setMaxListeners } from 'node:events';
import { FileFieldError } from '../../errors.js';
import type { Upload } from '../../file/upload.js';
import type { FileField } from '../field.js';
import type { StagingOptions } from '../stage.js';
import { longestName, mostEmptyInputs, overLimit, type FormLimits } from './limits.js';

/** The text fields of a form: a repeated one is an array. They come from a client, which may leave out or repeat any. */
export type FormFields = Readonly<Record<string, string | string[] | undefined>>;

/** What happens to the files of a form. */
export interface FileKeeper<File> {
  readonly keep: (field: FileField, upload: Upload, options: StagingOptions) => Promise<File>;
  /** Gives up a file that was kept. Never rejects. */
  readonly discard: (file: File) => Promise<void>;
}

/** A file field that a form can fill, and what its inputs are called in the form. */
export interface FormTarget {
  readonly field: FileField;
  readonly names: readonly string[];
}

/**
 * Collects the parts of one form, whatever parsed it: counts them, and hands each file to the keeper while it arrives. Every
 * limit that is exceeded throws.
 */
export class FormCollector<File> {
  // Without a prototype: a field may be named "__proto__".
  readonly fields = Object.create(null) as Record<string, string | string[]>;
  readonly #targets = new Map<string, FileField>();
  readonly #kept = new Map<string, Promise<File>[]>();
  readonly #abort = new AbortController();
  #texts = 0;
  #empty = 0;

  constructor(
    targets: readonly FormTarget[],
    private readonly keeper: FileKeeper<File>,
    readonly limits: FormLimits,
  ) {
    for (const { field, names } of targets) {
      this.#kept.set(field.property, []);
      for (const name of names) this.#targets.set(name, field);
    }
    // Every file listens, and a form may have many.
    setMaxListeners(0, this.#abort.signal);
  }

  /** Aborts when the form is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True if a form field of this name takes files. */
  takes(field: string): boolean {
    return this.#targets.has(field);
  }

  /** Adds a text field. */
  text(field: string, value: string): void {
    this.#checkName(field);
    if (this.takes(field)) {
      // What browsers and other clients send for an input in which no file was chosen.
      if (value === '') return this.empty();
      throw new FileFieldError(
        'unexpected_field',
        `The form has text in the field "${field}", which takes a file; a file needs a file name in the form.`,
        { rule: 'field', field },
      );
    }
    const { maxFields } = this.limits;
    this.#texts += 1;
    if (this.#texts > maxFields) {
      throw overLimit('maxFields', maxFields, `The form has more than ${maxFields} text fields.`, field);
    }
    const before = this.fields[field];
    if (Array.isArray(before)) before.push(value);
    else this.fields[field] = before === undefined ? value : [before, value];
  }

  /** Counts an input in which no file was chosen. */
  empty(): void {
    this.#empty += 1;
    if (this.#empty > mostEmptyInputs) {
      throw overLimit('maxParts', mostEmptyInputs, `The form has more than ${mostEmptyInputs} inputs without a file.`);
    }
  }

  /** Hands a file to the keeper. Throws before any byte of it is read if the form may not have it. */
  file(name: string, upload: Upload): Promise<File> {
    this.#checkName(name);
    const target = this.#targets.get(name);
    if (!target) throw this.#unexpected(name);
    const kept = this.#kept.get(target.property)!;
    const most = this.limits.maxFiles(target.property);
    if (kept.length >= most) {
      const sentence = `The form has more than ${most} ${most === 1 ? 'file' : 'files'} in the field "${name}".`;
      throw overLimit('maxFiles', most, sentence, name);
    }
    const { maxSize, context } = this.limits;
    const file = this.keeper.keep(target, upload, { signal: this.#abort.signal, maxSize, context });
    // Its failure is seen by whoever awaits the result.
    file.catch(() => undefined);
    kept.push(file);
    return file;
  }

  /** The files of each property, in the order in which they came, once all are kept. */
  async files(): Promise<ReadonlyMap<string, readonly File[]>> {
    const all = new Map<string, readonly File[]>();
    for (const [property, kept] of this.#kept) all.set(property, await Promise.all(kept));
    return all;
  }

  /** Ends what is being read and kept. */
  stop(error: unknown): void {
    this.#abort.abort(error);
  }

  /** Ends what is being kept, and gives up what was kept. */
  async giveUp(error: unknown): Promise<void> {
    this.stop(error);
    for (const result of await Promise.allSettled([...this.#kept.values()].flat())) {
      if (result.status === 'fulfilled') await this.keeper.discard(result.value);
    }
  }

  #checkName(field: string): void {
    if (Buffer.byteLength(field) <= longestName) return;
    throw overLimit('maxFieldNameSize', longestName, `The form has a field with a name of over ${longestName} bytes.`);
  }

  #unexpected(field: string): FileFieldError {
    const expected = [...this.#targets.keys()].filter((name) => !name.endsWith('[]'));
    const message = `The form has a file in the field "${field}"; files are expected in "${expected.join('" or "')}".`;
    return new FileFieldError('unexpected_field', message, { rule: 'field', field, limit: expected });
  }
}

/** A text field that is longer than the limit. */
export function tooLongText(field: string, limit: number): FileFieldError {
  return new FileFieldError('too_large', `The text field "${field}" is longer than ${limit} bytes.`, {
    rule: 'maxFieldSize',
    limit,
    field,
  });
}
