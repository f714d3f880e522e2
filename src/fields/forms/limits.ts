import { FileFieldError } from '../../errors.js';
import { byteSize, invalidOption, wholeNumber, type ByteSize } from '../../options.js';

/** How much of a form has arrived. */
export interface FormProgress {
  /** Bytes of the request's body, with the text fields and the boundaries between the parts. */
  readonly received: number;
  /** Bytes that the client announced; absent if it did not. */
  readonly total?: number;
}

/** The limits of a form, and how to follow and end it. Exceeding a limit is an error. */
export interface ReceiveOptions<Field extends string = string> {
  /**
   * Largest file, where its field sets none.
   * @default '100 MiB'
   */
  readonly maxSize?: ByteSize | undefined;
  /**
   * Largest number of text fields. Their names have at most 100 bytes each.
   * @default 100
   */
  readonly maxFields?: number | undefined;
  /**
   * Largest text field.
   * @default '64 KiB'
   */
  readonly maxFieldSize?: ByteSize | undefined;
  /**
   * Largest number of files of each field: one number for all, or one for each. Inputs in which no file was chosen do not
   * count.
   * @default 1
   */
  readonly maxFiles?: number | { readonly [Name in Field]?: number | undefined } | undefined;
  /** Ends the upload; nothing is kept. */
  readonly signal?: AbortSignal | undefined;
  /** What `storage.choose` of the fields gets, such as the tenant. */
  readonly context?: unknown;
  /** Called for every piece of the request's body that arrives. What it throws ends the upload. */
  readonly onProgress?: ((progress: FormProgress) => void) | undefined;
}

/** The limits as numbers. */
export interface FormLimits {
  readonly maxSize: number;
  readonly maxFields: number;
  readonly maxFieldSize: number;
  readonly context: unknown;
  /** Files of all properties together. */
  readonly mostFiles: number;
  /** Files of a property. */
  maxFiles(property: string): number;
}

/** Bytes of the longest name of a form field. */
export const longestName = 100;

/** Inputs of one form in which no file was chosen. */
export const mostEmptyInputs = 1000;

/** Checks the limits; an option that is undefined has its default. Throws `invalid_option`. */
export function formLimits(options: ReceiveOptions, properties: readonly string[]): FormLimits {
  const { maxFiles = 1 } = options;
  const perField: ReceiveOptions['maxFiles'] & object = typeof maxFiles === 'object' ? maxFiles : {};
  const stray = Object.keys(perField).find((name) => !properties.includes(name));
  if (stray) {
    throw invalidOption(
      `The option "maxFiles" names "${stray}", which is not received; received are ${properties.join(', ')}.`,
    );
  }
  const counts = new Map(
    properties.map((name) => {
      const most = (typeof maxFiles === 'object' ? perField[name] : maxFiles) ?? 1;
      return [name, wholeNumber('maxFiles', most, { from: 1 })];
    }),
  );
  return {
    maxSize: byteSize('maxSize', options.maxSize ?? '100 MiB'),
    maxFields: wholeNumber('maxFields', options.maxFields ?? 100),
    maxFieldSize: byteSize('maxFieldSize', options.maxFieldSize ?? '64 KiB'),
    context: options.context,
    mostFiles: [...counts.values()].reduce((sum, most) => sum + most, 0),
    maxFiles: (property) => counts.get(property)!,
  };
}

/** More fields, files, inputs or a longer name than a limit allows. */
export function overLimit(rule: string, limit: number, sentence: string, field?: string): FileFieldError {
  return new FileFieldError('limit_exceeded', sentence, { rule, limit, field });
}
